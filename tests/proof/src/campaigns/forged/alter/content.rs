//! Alterations of what a webhook says.

use twimlgate::verify::add_body_hash;

use super::super::request::FORM;
use super::{Alteration, index, named, pairs, refused};
use crate::carrier::SID;

/// Of parameters, in a form or in the query of a GET.
pub(super) const FORMS: [Alteration; 28] = [
    refused("a value is another", |request, _, rng| {
        pairs(request, rng, |pairs, at, rng| {
            pairs[at].1 = rng.sid("");
            Some(())
        })
    }),
    refused("a value is prolonged", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs[at].1.push('0');
            Some(())
        })
    }),
    refused("a value is cut", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| pairs[at].1.pop().map(drop))
    }),
    refused("a value is empty", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs[at].1.clear();
            Some(())
        })
    }),
    refused("a value in capitals", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs[at].1 = pairs[at].1.to_uppercase();
            Some(())
        })
    }),
    refused("a space before a value", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs[at].1.insert(0, ' ');
            Some(())
        })
    }),
    refused("a NUL behind a value", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs[at].1.push('\0');
            Some(())
        })
    }),
    refused("a plus is a space", |request, _, rng| {
        pairs(request, rng, |pairs, _, _| {
            let plus = pairs.iter_mut().find(|(_, value)| value.contains('+'))?;
            plus.1 = plus.1.replace('+', " ");
            Some(())
        })
    }),
    refused("a value is decoded twice", |request, _, rng| {
        pairs(request, rng, |pairs, _, _| {
            let twice = pairs.iter_mut().find(|(_, value)| value.contains("%41"))?;
            twice.1 = twice.1.replace("%41", "A");
            Some(())
        })
    }),
    refused("a parameter is added", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs.insert(at, ("Digits".to_owned(), "1".to_owned()));
            Some(())
        })
    }),
    refused("an empty parameter is added", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs.insert(at, ("ForwardedFrom".to_owned(), String::new()));
            Some(())
        })
    }),
    refused("a parameter without a name is added", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs.insert(at, (String::new(), "x".to_owned()));
            Some(())
        })
    }),
    refused("a parameter is removed", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs.remove(at);
            Some(())
        })
    }),
    refused("all parameters are removed", |request, _, rng| {
        pairs(request, rng, |pairs, _, _| {
            pairs.clear();
            Some(())
        })
    }),
    refused("doubled, with another value behind", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            let (name, value) = pairs[at].clone();
            pairs.push((name, value + "1"));
            Some(())
        })
    }),
    refused("doubled, with another value in front", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            let (name, value) = pairs[at].clone();
            pairs.insert(0, (name, value + "1"));
            Some(())
        })
    }),
    refused("a name in other case", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs[at].0 = pairs[at].0.to_lowercase();
            Some(())
        })
    }),
    refused("a name is another", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            pairs[at].0.push_str("[]");
            Some(())
        })
    }),
    refused("a name takes of its value", |request, _, rng| {
        pairs(request, rng, |pairs, at, rng| {
            // Where it stays in its place, `Body=hi` and `Bodyh=i` are the same to the scheme.
            let (name, value) = &mut pairs[at];
            let cut = value.char_indices().nth(rng.below(3) as usize + 1)?.0;
            name.push_str(&value[..cut]);
            value.drain(..cut);
            Some(())
        })
    }),
    refused("a value takes of its name", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            let (name, value) = &mut pairs[at];
            value.insert(0, name.pop()?);
            Some(())
        })
    }),
    refused("a value takes of its neighbour", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            let taken = pairs.get_mut(at + 1)?.0.remove(0);
            pairs[at].1.push(taken);
            Some(())
        })
    }),
    refused("two parameters are one", |request, _, rng| {
        pairs(request, rng, |pairs, at, _| {
            (at + 1 < pairs.len()).then_some(())?;
            let (name, value) = pairs.remove(at + 1);
            pairs[at].1 += &format!("&{name}={value}");
            Some(())
        })
    }),
    refused("two values are exchanged", |request, _, rng| {
        pairs(request, rng, |pairs, at, rng| {
            let other = index(pairs, rng)?;
            let value = std::mem::take(&mut pairs[at].1);
            pairs[at].1 = std::mem::replace(&mut pairs[other].1, value);
            Some(())
        })
    }),
    refused("from somebody else", |request, _, _| {
        named(request, "From", |from| "+15550666".clone_into(from))
    }),
    refused("of another account", |request, _, _| {
        named(request, "AccountSid", |sid| super::super::OTHER_SID.clone_into(sid))
    }),
    refused("of an account that is not configured", |request, _, _| {
        named(request, "AccountSid", |sid| *sid = SID.replace('0', "f"))
    }),
    refused("of no account", |request, _, rng| {
        pairs(request, rng, |pairs, _, _| {
            pairs.retain(|(name, _)| name != "AccountSid");
            Some(())
        })
    }),
    refused("all that another request says", |request, seen, rng| {
        pairs(request, rng, |pairs, _, _| {
            (!seen.is_event()).then(|| pairs.clone_from(&seen.pairs()))
        })
    }),
];

/// Of bodies, and of what they are said to be.
pub(super) const BODIES: [Alteration; 15] = [
    refused("a byte of JSON is another", |request, _, rng| {
        request.is_event().then_some(())?;
        let at = index(&request.body, rng)?;
        request.body[at] ^= 1;
        Some(())
    }),
    refused("JSON is prolonged", |request, _, _| {
        request.is_event().then(|| request.body.push(b'\n'))
    }),
    refused("JSON is gone", |request, _, _| request.is_event().then(|| request.body.clear())),
    refused("other JSON, and its hash in the URL", |request, _, _| {
        request.is_event().then_some(())?;
        request.body = b"{\"id\":\"forged\"}".to_vec();
        let path = request.target.split("bodySHA256").next()?.trim_end_matches('&').to_owned();
        request.target = add_body_hash(&path, &request.body)?;
        Some(())
    }),
    refused("other JSON, and its hash before the signed one", |request, _, _| {
        request.is_event().then_some(())?;
        request.body = b"{\"id\":\"forged\"}".to_vec();
        let hashed = add_body_hash("", &request.body)?;
        let (path, query) = request.target.split_once('?')?;
        request.target = format!("{path}{hashed}&{query}");
        Some(())
    }),
    refused("other JSON, and its hash behind the signed one", |request, _, _| {
        request.is_event().then_some(())?;
        request.body = b"{\"id\":\"forged\"}".to_vec();
        let hashed = add_body_hash("", &request.body)?;
        request.target = format!("{}&{}", request.target, hashed.trim_start_matches('?'));
        Some(())
    }),
    refused("the hash is gone", |request, _, _| {
        request.is_event().then_some(())?;
        let path = request.target.split("&bodySHA256").next()?.to_owned();
        request.target = path;
        Some(())
    }),
    refused("the hash in capitals", |request, _, _| {
        request.is_event().then_some(())?;
        let (path, hash) = request.target.rsplit_once('=')?;
        request.target = format!("{path}={}", hash.to_uppercase());
        Some(())
    }),
    refused("a form under JSON's signature", |request, _, _| {
        request.is_event().then_some(())?;
        request.types = vec![FORM.to_owned()];
        request.body = b"MessageSid=SM1&From=%2B15550666&Body=forged".to_vec();
        Some(())
    }),
    refused("a form with its hash in the URL", |request, _, _| {
        request.is_form().then_some(())?;
        request.target = add_body_hash(&request.target, &request.body)?;
        Some(())
    }),
    refused("a form that is said to be JSON", |request, _, _| {
        request.is_form().then(|| request.types = vec!["application/json".to_owned()])
    }),
    refused("a form that is said to be JSON, with its hash", |request, _, _| {
        request.is_form().then_some(())?;
        request.types = vec!["application/json".to_owned()];
        request.target = add_body_hash(&request.target, &request.body)?;
        Some(())
    }),
    refused("a form that is said to be multipart", |request, _, _| {
        let multipart = "multipart/form-data; boundary=x".to_owned();
        request.is_form().then(|| request.types = vec![multipart])
    }),
    refused("a form that is not said to be one", |request, _, _| {
        request.is_form().then(|| request.types.clear())
    }),
    refused("a form by GET", |request, _, _| {
        request.is_form().then_some(())?;
        request.method = "GET";
        request.types.clear();
        request.body.clear();
        Some(())
    }),
];
