//! The reader against expat: some ten thousand mutants of documents get the same verdict and the
//! same tree, but for the differences that `docs/twiml.md` lists.
//!
//! `TWIMLGATE_MUTANTS` sets another number of them, `TWIMLGATE_SEED` another beginning.

use twimlgate::twiml::DocumentLimits;
use twimlgate::twiml::read::parse_document;

use super::cases;
use super::random::Random;
use crate::fuzz::expat;

/// What gets into documents: all that XML knows, and much that it does not.
const PIECES: &[&[u8]] = &[
    b"<",
    b">",
    b"/",
    b"/>",
    b"</",
    b"=",
    b"\"",
    b"'",
    b"&",
    b";",
    b" ",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n",
    b"&amp;",
    b"&lt;",
    b"&#65;",
    b"&#x41;",
    b"&#0;",
    b"&#1;",
    b"&#9;",
    b"&#xD;",
    b"&#xD800;",
    b"&#x;",
    b"&#xFFFE;",
    b"&#x10FFFF;",
    b"&#x110000;",
    b"&foo;",
    b"&apos;",
    b"]]>",
    b"]]",
    b"<![CDATA[",
    b"<![CDATA[<&]]>",
    b"<!--",
    b"-->",
    b"<!-- a -->",
    b"<!---->",
    b"<!--->",
    b"<!-->",
    b"--",
    b"-",
    b"<?a?>",
    b"<?a b?>",
    b"<?xml?>",
    b"<?xml version=\"1.0\"?>",
    b"<?XML a?>",
    b"<?xml-a b?>",
    b"?>",
    b"<?",
    b"<?a?b?>",
    b"<!",
    b"<!DOCTYPE a>",
    b"<!ELEMENT",
    b"<![",
    b"<a/>",
    b"<a>",
    b"</a>",
    b"<a b='c'/>",
    b"<a b=\"c\" b=\"d\"/>",
    b"<a b=c/>",
    b"<a b='1'c='2'/>",
    b"<a b = 'c' />",
    b"<a:b/>",
    b"<:/>",
    b"<-a/>",
    b"<a-/>",
    b"<1/>",
    b"<a.b_c/>",
    b" x=\"y\"",
    b" x='<'",
    b" x='&bad;'",
    b" x='>'",
    b" xml:lang=\"en\"",
    b" xmlns=\"u\"",
    b" xmlns:p=\"u\"",
    b" p:x='1'",
    b"\0",
    b"\x01",
    b"\x1f",
    b"\x7f",
    b"\xc2\x85",
    b"\xc3\xa9",
    b"\xc2\xb7",
    b"\xef\xbf\xbe",
    b"\xef\xbf\xbf",
    b"\xef\xbf\xbd",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xf0\x90\x80\x80",
    b"\xf4\x90\x80\x80",
    b"\xc0\x80",
    b"\x80",
    b"\xff",
    b"\xe4\xb8\x80",
    b"<\xe4\xb8\x80/>",
    b"<a\xc2\xb7/>",
    b"<\xc2\xb7/>",
    b"\xe2\x80\xa8",
    b"<\xf0\x90\x80\x80/>",
    b"encoding=\"us-ascii\"",
    b"standalone='yes'",
    b"version=\"1.1\"",
    b"Response",
];

/// Documents to begin with, besides the cases.
const SEEDS: &[&str] = &[
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Say a=\"b\" c='d'>e</Say></Response>\n",
    "<?xml version='1.0' encoding='US-ASCII' standalone='no' ?><Response>a</Response>",
    "<Response>\r\n<a b='1\n2\t3' c=\"&amp;&#10;&quot;'\">x &lt; y<!-- c -->\
     <![CDATA[<d>]]></a></Response>",
    "<!-- a --><?b c?><Response x='é' ü='·'><é·>]] > ]]&gt; 中</é·></Response ><!-- d -->",
];

#[test]
fn agrees_with_expat_on_mutants() {
    let number = |name: &str, default| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let seed = number("TWIMLGATE_SEED", 20_241);
    let mutants = mutants(number("TWIMLGATE_MUTANTS", 20_000), seed as u64);
    let verdicts: Option<Vec<String>> = mutants.iter().map(|text| expat::tree(text)).collect();
    let Some(verdicts) = verdicts else {
        println!("skipped: python3 with expat is not installed");
        return;
    };
    let (mut accepted, mut stricter) = (0, 0);
    for (mutant, verdict) in mutants.iter().zip(verdicts) {
        let ours = parse_document(mutant, &DocumentLimits::default());
        let shown = String::from_utf8_lossy(mutant);
        match (&ours, verdict.is_empty()) {
            (Ok(root), false) => {
                accepted += 1;
                assert_eq!(expat::flat(root), verdict, "another tree of {shown:?}");
            }
            (Err(error), _) if expat::is_stricter(&error.kind, mutant) => stricter += 1,
            (Err(_), true) => {}
            (Ok(_), true) => panic!("expat refuses {shown:?}"),
            (Err(error), false) => panic!("expat takes {shown:?}, and we say {error}"),
        }
    }
    println!("{} mutants, {accepted} well-formed, {stricter} ours only", mutants.len());
    assert!(accepted * 20 > mutants.len(), "too few mutants are well-formed to show anything");
}

fn mutants(count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut random = Random::new(seed);
    let cases: Vec<Vec<u8>> = cases::all().into_iter().map(|(_, _, text)| text).collect();
    let well_formed = |text: &&Vec<u8>| {
        text.len() < 600 && parse_document(text, &DocumentLimits::default()).is_ok()
    };
    let seeds: Vec<Vec<u8>> = cases.iter().filter(well_formed).cloned().collect();
    let dense: Vec<Vec<u8>> = SEEDS.iter().map(|text| text.as_bytes().to_vec()).collect();
    let mut mutants = cases;
    while mutants.len() < count {
        // Most of them begin with the seeds that have the most of XML in them, and change once.
        let from = if random.below(4) == 0 { &seeds } else { &dense };
        let mut text = random.pick(from).clone();
        for _ in 0..=random.below(5) / 3 {
            mutate(&mut text, &mut random);
        }
        mutants.push(text);
    }
    mutants
}

fn mutate(text: &mut Vec<u8>, random: &mut Random) {
    let at = random.below(text.len() + 1);
    let end = (at + random.below(12)).min(text.len());
    match random.below(8) {
        0 => drop(text.drain(at..end)),
        1 => {
            let copy = text[at..end].to_vec();
            let to = random.below(text.len() + 1);
            text.splice(to..to, copy);
        }
        2 if at < text.len() => text[at] = random.below(256) as u8,
        3 => drop(text.splice(at..end, random.pick(PIECES).iter().copied())),
        _ => drop(text.splice(at..at, random.pick(PIECES).iter().copied())),
    }
}
