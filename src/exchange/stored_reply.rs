//! The bytes of a reply in the store: the document, and in front of it the cookies that it sets.
//!
//! A repeat of a webhook gets the same cookies as its first delivery. Without cookies the bytes are
//! the document itself, so nearly all replies need no encoding.

use actix_web::web::Bytes;

use super::WebhookReply;

/// The first byte of a reply with cookies. No document begins with it: it is not XML.
const MARK: u8 = 0;

/// The bytes to store for a document with cookies, each of which is the value of a header.
pub(super) fn encode_reply(document: &Bytes, cookies: &[String]) -> Bytes {
    if cookies.is_empty() {
        return document.clone();
    }
    let mut bytes = vec![MARK];
    for cookie in cookies {
        bytes.extend_from_slice(cookie.as_bytes());
        bytes.push(b'\n');
    }
    bytes.push(b'\n');
    bytes.extend_from_slice(document);
    bytes.into()
}

/// The reply that was stored.
pub(super) fn decode_reply(mut stored: Bytes) -> WebhookReply {
    if stored.first() != Some(&MARK) {
        return WebhookReply::document(stored);
    }
    let mut rest = stored.split_off(1);
    let mut cookies = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
        let line = rest.split_to(end);
        let _ = rest.split_to(1);
        if line.is_empty() {
            break;
        }
        cookies.extend(std::str::from_utf8(&line).map(str::to_owned));
    }
    WebhookReply { cookies, ..WebhookReply::document(rest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_is_read() {
        let document = Bytes::from_static(b"<Response>\n\n</Response>");
        for cookies in [&[][..], &["a=1"], &["a=1; Max-Age=0", "b="]] {
            let cookies: Vec<String> = cookies.iter().map(|cookie| (*cookie).to_owned()).collect();
            let reply = decode_reply(encode_reply(&document, &cookies));
            let expected = WebhookReply { cookies, ..WebhookReply::document(document.clone()) };
            assert_eq!(reply, expected);
        }
        assert_eq!(encode_reply(&document, &[]), document);
    }

    #[test]
    fn damaged_bytes_are_a_reply() {
        for stored in [&b"\0"[..], b"\0a=1", b"\0\n", b"\0\xff\n\n<Response/>", b""] {
            let reply = decode_reply(Bytes::copy_from_slice(stored));
            assert!(reply.cookies.is_empty(), "{reply:?}");
        }
    }
}
