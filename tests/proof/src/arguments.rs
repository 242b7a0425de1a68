//! The command line of `run`, which adds what it has built.

use std::path::PathBuf;

use crate::campaign::Campaign;
use crate::campaigns::CAMPAIGNS;

/// What is to be done.
pub(crate) struct Arguments {
    quick: bool,
    campaigns: Vec<String>,
    cycles: Option<u64>,
    pub(crate) seed: u64,
    pub(crate) binary: PathBuf,
    pub(crate) work: PathBuf,
    pub(crate) flows: PathBuf,
}

impl Arguments {
    /// Reads them.
    ///
    /// # Errors
    /// What could be said instead.
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments, String> {
        let flows = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("flows");
        let mut arguments = Arguments {
            quick: false,
            campaigns: Vec::new(),
            cycles: None,
            seed: 1,
            binary: PathBuf::new(),
            work: PathBuf::new(),
            flows,
        };
        while let Some(word) = words.next() {
            if word == "--quick" {
                arguments.quick = true;
                continue;
            }
            let value = words.next().ok_or_else(usage)?;
            let number = || value.parse().map_err(|_| usage());
            match word.as_str() {
                "--campaign" if CAMPAIGNS.iter().any(|campaign| campaign.name == value) => {
                    arguments.campaigns.push(value);
                }
                "--cycles" => arguments.cycles = Some(number()?),
                "--seed" => arguments.seed = number()?,
                "--binary" => arguments.binary = value.into(),
                "--work" => arguments.work = value.into(),
                _ => return Err(usage()),
            }
        }
        let missing = arguments.binary.as_os_str().is_empty();
        if missing || arguments.work.as_os_str().is_empty() { Err(usage()) } else { Ok(arguments) }
    }

    /// Whether a campaign is to be run.
    pub(crate) fn chosen(&self, campaign: &Campaign) -> bool {
        self.campaigns.is_empty() || self.campaigns.iter().any(|name| name == campaign.name)
    }

    /// How much of it.
    pub(crate) fn amount(&self, campaign: &Campaign) -> u64 {
        let usual = if self.quick { campaign.quick } else { campaign.long };
        self.cycles.unwrap_or(usual)
    }
}

fn usage() -> String {
    let mut usage = "tests/proof/run [--quick] [--campaign NAME]… [--cycles N] [--seed N]\n\n\
         Without --quick each campaign has its long form. --cycles is the amount of each one, in \
         its own unit.\n\n"
        .to_owned();
    for Campaign { name, asserts, unit, quick, long, .. } in CAMPAIGNS {
        usage.push_str(&format!("{name}: {quick} {unit}, long {long}\n    {asserts}\n"));
    }
    usage
}
