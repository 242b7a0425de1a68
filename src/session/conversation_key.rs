//! The session keys of conversations: which flow, and which call, conversation or two addresses.
//!
//! Lengths stand in front of what varies, so that no name or address can look like another one. The
//! form is that of stored records, and must not change. Addresses are in their canonical form, so
//! that two spellings of one number are one contact.

use crate::channel::canonical_pair;

/// The key of all messages between two addresses in a flow.
pub fn contact_key(flow: &str, us: &str, contact: &str) -> String {
    let (us, contact) = canonical_pair(us, contact);
    format!("pair:{}:{flow}{}:{us}{contact}", flow.len(), us.len())
}

/// The key of a conversation of the carrier's, by its ConversationSid.
pub(crate) fn conversation_key(flow: &str, sid: &str) -> String {
    format!("conversation:{}:{flow}{sid}", flow.len())
}

/// The key of all calls between two addresses, in a flow that takes one at a time.
pub(crate) fn calls_key(flow: &str, us: &str, contact: &str) -> String {
    format!("calls:{}", contact_key(flow, us, contact))
}

/// The key of a call in a flow: another flow of the same gateway may have the same call in between.
pub(crate) fn call_key(flow: &str, sid: &str) -> String {
    format!("call:{}:{flow}{sid}", flow.len())
}

/// The same key with another name of the flow; `None` if it is not a key of `former`.
pub(super) fn with_flow_name(key: &str, former: &str, name: &str) -> Option<String> {
    let former = format!("{}:{former}", former.len());
    ["pair:", "calls:pair:", "call:", "conversation:"].into_iter().find_map(|kind| {
        let rest = key.strip_prefix(kind)?.strip_prefix(&former)?;
        Some(format!("{kind}{}:{name}{rest}", name.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_pairs_of_addresses_never_look_the_same() {
        assert_ne!(contact_key("f", "+12", "3"), contact_key("f", "+1", "23"));
        assert_ne!(contact_key("f1", "+2", "3"), contact_key("f", "1+2", "3"));
        assert_ne!(contact_key("a:b", "", "c"), contact_key("a", "", "b:c"));
    }

    #[test]
    fn two_spellings_of_a_number_are_one_contact() {
        let key = contact_key("f", "+15550100001", "whatsapp:+15550100002");
        assert_eq!(contact_key("f", "WhatsApp:+1 555 010 0001", "+1 (555) 010-0002"), key);
        assert_ne!(contact_key("f", "+15550100001", "+15550100002"), key);
    }

    #[test]
    fn a_key_takes_another_name_of_its_flow_and_no_other() {
        let renamed = |key: &str| with_flow_name(key, "ivr", "/voice");
        assert_eq!(renamed(&call_key("ivr", "CA1")), Some(call_key("/voice", "CA1")));
        let conversation = conversation_key("/voice", "CH1");
        assert_eq!(renamed(&conversation_key("ivr", "CH1")), Some(conversation));
        assert_eq!(renamed(&calls_key("ivr", "+1", "+2")), Some(calls_key("/voice", "+1", "+2")));
        assert_eq!(
            renamed(&contact_key("ivr", "+1", "+2")),
            Some(contact_key("/voice", "+1", "+2"))
        );
        assert_eq!(renamed(&call_key("ivr2", "CA1")), None);
    }
}
