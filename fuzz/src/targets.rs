//! What is fuzzed: one file for each target, all of one shape.
//!
//! A target takes any bytes and says what it saw, or what is wrong. It keeps to that whoever calls
//! it: the runner of this package, libFuzzer, or the tests of the gateway, which replay the corpus.

pub(crate) mod random;

mod address;
mod answer;
mod config;
mod escape;
mod expat;
mod flow;
mod form;
mod http;
mod record;
mod signature;
mod steps;
mod template;
mod twiml;

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hash, Hasher as _};
use std::path::{Path, PathBuf};

use random::Random;

/// All of them, in the order of a webhook's way.
pub(crate) static TARGETS: &[&Target] = &[
    &form::TARGET,
    &signature::TARGET,
    &twiml::TARGET,
    &escape::TARGET,
    &template::TARGET,
    &answer::TARGET,
    &config::TARGET,
    &flow::TARGET,
    &record::TARGET,
    &address::TARGET,
    &steps::TARGET,
    &http::TARGET,
];

/// One target.
pub(crate) struct Target {
    /// Its name, and that of its folder under `corpus/`.
    pub(crate) name: &'static str,
    /// What its inputs are made of.
    pub(crate) tokens: &'static [&'static str],
    /// Inputs to begin with, besides the corpus.
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// One more way to change an input, for what its parts mean.
    pub(crate) grow: fn(&mut Random, &mut Vec<u8>),
    /// Tries one input.
    pub(crate) judge: fn(&[u8]) -> Judged,
}

/// What was seen with an input, or the finding: a class, a colon, and the particulars.
pub(crate) type Judged = Result<Seen, String>;

/// What an input led to, as far as a target can tell. An input that leads to something new is kept
/// to grow others from: it stands for the coverage that nobody measures here.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(crate) Vec<u64>);

impl Seen {
    /// Notes something: an error's kind, a size, a branch.
    pub(crate) fn note(&mut self, what: impl Hash) {
        let mut hasher = DefaultHasher::new();
        what.hash(&mut hasher);
        self.0.push(hasher.finish());
    }
}

/// Ends a target with a finding where something does not hold.
macro_rules! ensure {
    ($holds:expr, $($finding:tt)+) => {
        if !$holds {
            return Err(format!($($finding)+));
        }
    };
}
pub(crate) use ensure;

/// How large a number is, roughly: to be noted.
pub(crate) fn size(number: usize) -> u32 {
    usize::BITS - number.leading_zeros()
}

/// The input as text.
pub(crate) fn text(input: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(input)
}

/// No seeds besides the corpus.
pub(crate) fn no_seeds() -> Vec<Vec<u8>> {
    Vec::new()
}

/// No other way to change an input.
pub(crate) fn as_bytes(_: &mut Random, _: &mut Vec<u8>) {}

/// The repository, for the package of the targets and for the gateway's.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let fuzz = package.file_name().is_some_and(|name| name == "fuzz");
    package.parent().filter(|_| fuzz).unwrap_or(package)
}

/// The files of a folder of the repository whose names end so, in order.
pub(crate) fn files(folder: &str, ending: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let entries = root().join(folder).read_dir().into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.is_file() && path.to_string_lossy().ends_with(ending));
    paths.sort();
    let read = |path: PathBuf| Some((path.clone(), std::fs::read(path).ok()?));
    paths.into_iter().filter_map(read).collect()
}

/// The same without their names.
pub(crate) fn texts(folder: &str, ending: &str) -> Vec<Vec<u8>> {
    files(folder, ending).into_iter().map(|(_, text)| text).collect()
}

impl Target {
    /// What is kept of this target: seeds, and former findings.
    pub(crate) fn corpus(&self) -> Vec<(PathBuf, Vec<u8>)> {
        files(&format!("fuzz/corpus/{}", self.name), "")
    }
}
