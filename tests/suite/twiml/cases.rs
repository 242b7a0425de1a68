//! Each `tests/twiml/<channel>/<case>.xml` with what the reader says of it in `<case>.txt`.
//!
//! A case without a `.txt` is clean. `TWIMLGATE_BLESS=1` writes the `.txt` files anew; look at the
//! difference before you commit it.

use std::fs;
use std::path::{Path, PathBuf};

use twimlgate::channel::Channel;
use twimlgate::twiml::{DocumentLimits, read};

/// All cases: their file, their channel, their bytes.
pub(super) fn all() -> Vec<(PathBuf, Channel, Vec<u8>)> {
    let mut cases = Vec::new();
    for channel in [Channel::Voice, Channel::Message] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twiml").join(channel.name());
        let files = fs::read_dir(folder).expect("the folder of cases is there");
        let mut files: Vec<PathBuf> = files.map(|file| file.expect("readable").path()).collect();
        files.sort();
        for file in files.into_iter().filter(|file| file.extension() == Some("xml".as_ref())) {
            let text = fs::read(&file).expect("a case is readable");
            cases.push((file, channel, text));
        }
    }
    cases
}

#[test]
fn every_case_is_judged_as_its_file_says() {
    let bless = std::env::var_os("TWIMLGATE_BLESS").is_some();
    let mut wrong = Vec::new();
    for (file, channel, text) in all() {
        let (kind, said) = judge(&text, channel);
        let expected = file.with_extension("txt");
        if bless {
            match said.is_empty() {
                true => drop(fs::remove_file(&expected)),
                false => fs::write(&expected, &said).unwrap(),
            }
        }
        let name = file.file_stem().unwrap().to_str().unwrap();
        let by_name = ["err", "warn"].into_iter().find(|kind| name.starts_with(kind));
        if fs::read_to_string(&expected).unwrap_or_default() != said || by_name != kind {
            wrong.push(format!("{}:\n{said}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_expectation_is_left_without_its_case() {
    for (file, ..) in all() {
        for other in fs::read_dir(file.parent().unwrap()).unwrap() {
            let other = other.unwrap().path();
            assert!(other.with_extension("xml").exists(), "{} has no case", other.display());
        }
    }
}

/// How the name of such a case begins, and all that the reader says, one line each.
fn judge(text: &[u8], channel: Channel) -> (Option<&'static str>, String) {
    match read::check_document(text, channel, &DocumentLimits::default()) {
        Err(error) => (Some("err"), format!("{error}\n")),
        Ok(read) if read.findings.is_empty() => (None, String::new()),
        Ok(read) => {
            (Some("warn"), read.findings.iter().map(|finding| format!("{finding}\n")).collect())
        }
    }
}
