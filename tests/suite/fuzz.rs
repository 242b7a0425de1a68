//! What the fuzz targets have in their corpus, seeds and former findings, tried again.

#[expect(dead_code, reason = "only the runner grows inputs")]
#[path = "../../fuzz/src"]
mod source {
    pub(crate) mod targets;
}

use source::targets::TARGETS;

/// Tries everything that is kept of a target.
fn replay(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("there is such a target");
    let corpus = target.corpus();
    assert!(!corpus.is_empty(), "fuzz/corpus/{name} is empty");
    let wrong: Vec<String> = corpus
        .iter()
        .filter_map(|(path, input)| {
            let finding = (target.judge)(input).err()?;
            Some(format!("{}: {finding}", path.display()))
        })
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

macro_rules! targets {
    ($($name:ident)+) => {
        const NAMES: &[&str] = &[$(stringify!($name)),+];
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )+
    };
}

targets! { form signature twiml escape template answer config flow record address steps http }

#[test]
fn every_target_is_replayed() {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    assert_eq!(names, NAMES);
}
