//! The ways into a flow, each with the values that lead somewhere.

use super::*;
use crate::walk::carrier::{incoming_call, incoming_message};

/// The parameters of a webhook that hold JSON.
const JSON_PARAMETERS: [&str; 3] = ["AddOns", "ChannelAttributes", "ChannelMetadata"];

impl Walker<'_> {
    /// All ways into the flow.
    pub(super) fn begin(&mut self) {
        let wired: Vec<&str> = self.flow.widgets[0]
            .transitions
            .iter()
            .filter(|wired| wired.next.is_some())
            .map(|wired| wired.event.as_str())
            .collect();
        for kind in TriggerKind::ALL.into_iter().filter(|kind| wired.contains(&kind.event())) {
            for execution in self.beginnings(kind) {
                let moments: Vec<u64> = if self.hints.tells_time() {
                    (0..7 * 8).map(|hours| NOW + hours * 3 * 3600).collect()
                } else {
                    vec![NOW]
                };
                let answering = !matches!(kind, TriggerKind::Request);
                for now in moments {
                    let branch = Branch {
                        stored: Rc::new(execution.clone()),
                        event: Happens::Trigger,
                        now,
                        answering,
                        failing: false,
                    };
                    self.novel.push(kind.name(), branch);
                }
            }
        }
    }

    fn beginnings(&self, kind: TriggerKind) -> Vec<Value> {
        let sid = || "FN00000000000000000000000000000001".to_owned();
        let store = |execution: &Execution| serde_json::to_value(execution).unwrap();
        let name = format!("trigger.{}", kind.name());
        let webhook = |base: Params, channel, more: &[(&str, &str)]| {
            let with = |name: &str, value: &str| -> Params {
                let more = more.iter().copied();
                let all = base.iter().chain(more).filter(|(key, _)| *key != name);
                all.chain([(name, value)]).collect()
            };
            let mut all: Vec<Params> = vec![base.iter().chain(more.iter().copied()).collect()];
            for field in self.hints.below(&name).iter().filter(|field| !field.contains(['.', '[']))
            {
                for value in self.hints.values(&[format!("{name}.{field}")]).iter() {
                    all.push(with(field, value));
                }
            }
            for parameter in JSON_PARAMETERS {
                for object in self.hints.objects(&format!("{name}.{parameter}")).iter() {
                    all.push(with(parameter, &Value::Object(object.clone()).to_string()));
                }
            }
            for object in self.hints.objects("flow.add_ons").iter() {
                all.push(with("AddOns", &Value::Object(object.clone()).to_string()));
            }
            for value in self.hints.values(&["contact.channel.address".to_owned()]).iter() {
                all.push(with("From", value));
            }
            // Without a path to look for there is one object, with nothing in it.
            let empty = |(_, value): (&str, &str)| value == "{}";
            all.retain(|params| !params.iter().any(empty));
            let begin = |params| store(&Execution::begin(sid(), channel, Arc::new(params)));
            all.into_iter().map(begin).collect::<Vec<Value>>()
        };
        match kind {
            TriggerKind::Call => webhook(incoming_call(), Channel::Voice, &[]),
            TriggerKind::Message => webhook(incoming_message("hello"), Channel::Message, &[]),
            TriggerKind::Conversation => {
                let more = [("ConversationSid", "CH1")];
                webhook(incoming_message("hello"), Channel::Message, &more)
            }
            TriggerKind::Request | TriggerKind::Parent => {
                let parameters = self.hints.objects(&format!("{name}.parameters"));
                let data = self.hints.objects("flow.data");
                let parent = |parameters: serde_json::Map<String, Value>| {
                    let execution = Execution::from_request(
                        sid(),
                        "+15550100",
                        "+15550199",
                        parameters.clone(),
                    );
                    let mut stored = store(&execution);
                    if kind == TriggerKind::Parent {
                        let values = json!({"parameters": parameters});
                        stored["frames"][0]["trigger"] =
                            json!({"Json": {"kind": "Parent", "values": values}});
                    }
                    stored
                };
                let mut stored: Vec<Value> = Vec::new();
                for value in parameters.iter().chain(data.iter()).cloned().map(parent) {
                    stored.push(value.clone());
                    if kind == TriggerKind::Parent {
                        let mut call = value.clone();
                        call["channel"] = serde_json::to_value(Channel::Voice).unwrap();
                        stored.push(call);
                    }
                }
                stored
            }
        }
    }
}
