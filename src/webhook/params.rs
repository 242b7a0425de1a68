//! The parameters of one request: decoded once into one string, borrowed ever after.

use crate::limits::WEBHOOK_PARAMETERS_MAX;
use crate::percent::unescape;

/// Names and values in the order of the wire, repeated names included. All text lives in one
/// string, so that twenty parameters cost two allocations and no copy later on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    text: String,
    /// For each parameter: where its name begins, where its value begins, where its value ends.
    spans: Vec<[u32; 3]>,
}

/// Why a form could not be read. Each is answered with 400 before anything is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// More parameters than any carrier sends.
    #[error("the form has more than {WEBHOOK_PARAMETERS_MAX} parameters")]
    TooManyParameters,
    /// The decoded bytes are not text. Carriers send UTF-8.
    #[error("the form is not UTF-8 once decoded, expected UTF-8 as the carrier sends it")]
    NotUtf8,
}

impl Params {
    /// Decodes `application/x-www-form-urlencoded` text: `+` and `%20` are a space, a `%` that two
    /// hexadecimal digits do not follow stays as it is (WHATWG URL, "percent-decode"), a name
    /// without `=` has the empty value, and empty pairs between `&&` are passed over.
    pub fn decode(form: &[u8]) -> Result<Params, FormError> {
        let (text, spans) = decode_pairs(form)?;
        let text = String::from_utf8(text).map_err(|_| FormError::NotUtf8)?;
        let whole = |[name, value, _]: &[u32; 3]| {
            text.is_char_boundary(*name as usize) && text.is_char_boundary(*value as usize)
        };
        // Two halves of one character in two values would be text together and rubbish apart.
        if !spans.iter().all(whole) {
            return Err(FormError::NotUtf8);
        }
        Ok(Params { text, spans })
    }

    /// Decodes the query of a URL. Its first part is not the carrier's but was typed by the owner,
    /// who may have meant another encoding than UTF-8: bytes that are not text become U+FFFD here.
    /// The signature never sees this; it covers the query as it was sent.
    pub fn decode_query(query: &str) -> Result<Params, FormError> {
        if query.is_empty() {
            return Ok(Params::default());
        }
        match Params::decode(query.as_bytes()) {
            Err(FormError::NotUtf8) => {
                let (text, spans) = decode_pairs(query.as_bytes())?;
                let lossy =
                    |from: u32, to: u32| String::from_utf8_lossy(&text[from as usize..to as usize]);
                let pairs = spans.iter().map(|&[name, value, end]| {
                    (lossy(name, value).into_owned(), lossy(value, end).into_owned())
                });
                Ok(pairs.collect())
            }
            decoded => decoded,
        }
    }

    /// The parameters as `application/x-www-form-urlencoded` text (WHATWG URL, "serialising"): a
    /// space is `+`; letters, digits and `*-._` stay as they are.
    pub fn encode(&self) -> String {
        let mut form = String::with_capacity(self.text.len() * 2);
        encode_pairs(self.iter(), &mut form);
        form
    }

    /// Adds a parameter behind the others.
    pub fn push(&mut self, name: &str, value: &str) {
        let start = self.text.len() as u32;
        self.text.push_str(name);
        let middle = self.text.len() as u32;
        self.text.push_str(value);
        self.spans.push([start, middle, self.text.len() as u32]);
    }

    /// The first value of `name`; names are case-sensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        let text = self.text.as_bytes();
        let named =
            |[start, end, _]: &&[u32; 3]| text[*start as usize..*end as usize] == *name.as_bytes();
        let [_, start, end] = self.spans.iter().find(named)?;
        Some(&self.text[*start as usize..*end as usize])
    }

    /// The last value of `name`; names are case-sensitive.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.iter().filter(|(found, _)| *found == name).last().map(|(_, value)| value)
    }

    /// The parameters of a GET: the carrier adds its own behind the query that the owner typed, and
    /// of one that is in both, such as `Digits`, its own value counts. A form has precedence over
    /// the query of its URL in the same way.
    pub(crate) fn prefer_carrier(mut self) -> Params {
        let name = |span: &[u32; 3]| &self.text[span[0] as usize..span[1] as usize];
        // Other repeated names are lists: `MessagingBinding.Address`, or the owner's own.
        let is_carriers =
            |name: &str| name.starts_with(|c: char| c.is_ascii_uppercase()) && !name.contains('.');
        let is_repeated = |(at, span): (usize, &[u32; 3])| {
            is_carriers(name(span))
                && self.spans[at + 1..].iter().any(|later| name(later) == name(span))
        };
        let repeated: Vec<bool> = self.spans.iter().enumerate().map(is_repeated).collect();
        let mut repeated = repeated.into_iter();
        self.spans.retain(|_| !repeated.next().unwrap_or_default());
        self
    }

    /// The call's or the message's identifier, for logs and once-only keys. SIDs of carriers other
    /// than Twilio have other shapes, so the shape is not checked. An empty one identifies nothing.
    pub(crate) fn sid(&self) -> Option<&str> {
        let mut sids = ["CallSid", "MessageSid", "SmsSid"].iter().filter_map(|name| self.get(name));
        sids.find(|sid| !sid.is_empty())
    }

    /// Names and values in wire order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + Clone {
        self.spans.iter().map(|&[name, value, end]| {
            (&self.text[name as usize..value as usize], &self.text[value as usize..end as usize])
        })
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Params {
        let mut params = Params::default();
        for (name, value) in pairs {
            params.push(name.as_ref(), value.as_ref());
        }
        params
    }
}

/// The bytes that mean something in a form.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut at = 0;
    while at < 4 {
        special[b"&=%+"[at] as usize] = true;
        at += 1;
    }
    special
};

/// Decodes the pairs of a form into one run of bytes, with where each begins and ends.
///
/// One pass, a look-up for each byte: the fields of a webhook are too short for a search that
/// takes sixteen bytes at once to pay for its beginning.
fn decode_pairs(form: &[u8]) -> Result<(Vec<u8>, Vec<[u32; 3]>), FormError> {
    // Decoding never makes a form longer.
    let mut text = vec![0; form.len()];
    let mut length = 0;
    // A webhook of a message has 20 to 30 parameters: no second allocation for the usual one.
    let mut spans = Vec::with_capacity(32);
    // Where the pair begins in the form, its name in the text, and its value once there is a `=`.
    let (mut pair, mut name, mut value) = (0, 0, None);
    let mut at = 0;
    loop {
        let decoded = match form.get(at).copied() {
            Some(byte) if !SPECIAL[usize::from(byte)] => byte,
            Some(b'=') if value.is_none() => {
                value = Some(length);
                at += 1;
                continue;
            }
            Some(b'+') => b' ',
            Some(b'%') => match unescape(&form[at..]) {
                Some(byte) => {
                    at += 2;
                    byte
                }
                None => b'%',
            },
            Some(b'&') | None => {
                if at > pair && spans.len() == WEBHOOK_PARAMETERS_MAX {
                    return Err(FormError::TooManyParameters);
                }
                if at > pair {
                    let value = value.unwrap_or(length);
                    spans.push([name as u32, value as u32, length as u32]);
                }
                at += 1;
                if at > form.len() {
                    break;
                }
                (pair, name, value) = (at, length, None);
                continue;
            }
            Some(second_equals) => second_equals,
        };
        text[length] = decoded;
        length += 1;
        at += 1;
    }
    text.truncate(length);
    Ok((text, spans))
}

/// Adds pairs to the end of a form.
pub(crate) fn encode_pairs<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, form: &mut String) {
    for (name, value) in pairs {
        if !form.is_empty() {
            form.push('&');
        }
        percent_encode(name, form);
        form.push('=');
        percent_encode(value, form);
    }
}

/// Encodes one name or value to the end of `out`.
fn percent_encode(text: &str, out: &mut String) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    // What stays as it is is copied in runs. A run begins and ends at ASCII, so at a character.
    let mut run = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_') {
            continue;
        }
        if run < at {
            out.push_str(&text[run..at]);
        }
        run = at + 1;
        match byte {
            b' ' => out.push('+'),
            _ => {
                let (high, low) = (DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]);
                out.extend(['%', high as char, low as char]);
            }
        }
    }
    if run < text.len() {
        out.push_str(&text[run..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(form: &str) -> Vec<(String, String)> {
        let params = Params::decode(form.as_bytes()).unwrap();
        params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn decodes_what_carriers_send() {
        let pairs = [("Body", "a b c+d"), ("ToZip", ""), ("x", ""), ("é", "100%"), ("Body", "2")];
        let expected: Vec<_> = pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(decoded("Body=a+b%20c%2Bd&ToZip=&&x&%C3%a9=100%&Body=2"), expected);
        assert_eq!(decoded(""), []);
        assert_eq!(decoded("%zz=%4"), [("%zz".to_owned(), "%4".to_owned())]);
        let pairs = [("%4", ""), ("", "%"), ("a", "=b="), ("", "")];
        let expected: Vec<_> = pairs.map(|(n, v)| (n.to_owned(), v.to_owned())).into();
        assert_eq!(decoded("%4&&=%&a==b=&="), expected);
    }

    #[test]
    fn encodes_what_it_decodes() {
        let pairs = [("Body", "a b+c&d=é%\0"), ("", ""), ("x", ""), ("é日z", "ü")];
        let params: Params = pairs.into_iter().collect();
        let encoded = "Body=a+b%2Bc%26d%3D%C3%A9%25%00&=&x=&%C3%A9%E6%97%A5z=%C3%BC";
        assert_eq!(params.encode(), encoded);
        assert_eq!(Params::decode(params.encode().as_bytes()), Ok(params));
    }

    #[test]
    fn a_query_is_read_whatever_its_encoding() {
        let query = Params::decode_query("q=%E9&%C3&%A9=1&step=abc").unwrap();
        assert_eq!((query.get("q"), query.get("step")), (Some("\u{FFFD}"), Some("abc")));
        assert_eq!(query.len(), 4);
    }

    #[test]
    fn of_a_get_the_carriers_value_counts() {
        let names = "Digits=2&tag=a&tag=b&MessagingBinding.Address=1&Digits=1&\
                     MessagingBinding.Address=2";
        let params = Params::decode_query(names).unwrap();
        assert_eq!((params.get("Digits"), params.last("Digits")), (Some("2"), Some("1")));
        let rest = "tag=a&tag=b&MessagingBinding.Address=1&Digits=1&MessagingBinding.Address=2";
        assert_eq!(params.prefer_carrier().encode(), rest);
        assert_eq!(Params::default().prefer_carrier().len(), 0);
    }

    #[test]
    fn refuses_what_is_not_text() {
        assert_eq!(Params::decode(b"a=%FF"), Err(FormError::NotUtf8));
        assert_eq!(Params::decode(b"a=%C3&%A9=1"), Err(FormError::NotUtf8));
        let many = "a=1&".repeat(WEBHOOK_PARAMETERS_MAX + 1);
        assert_eq!(Params::decode(many.as_bytes()), Err(FormError::TooManyParameters));
    }
}
