//! What the webhooks of a number were before `twimlgate dev` changed them. They are on the disk
//! before the change, so that a process that is killed loses nothing.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::number::{CarrierNumber, NumberWebhook};
use crate::channel::Channel;
use crate::limits::CONFIG_BYTES_MAX;
use crate::read_limited::read_text_limited;

/// The change of one webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WebhookChange {
    pub(crate) before: NumberWebhook,
    pub(crate) after: NumberWebhook,
}

/// The changes of a number that are not undone yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FormerWebhooks {
    pub(crate) number: String,
    account: String,
    calls: Option<WebhookChange>,
    messages: Option<WebhookChange>,
}

/// What is to be done to restore a number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct RestorePlan {
    /// The webhooks that are set back.
    pub(crate) webhooks: Vec<(Channel, NumberWebhook)>,
    /// The channels whose webhook is another one by now. They stay as they are.
    pub(crate) changed_elsewhere: Vec<Channel>,
}

// === impl FormerWebhooks ===

impl FormerWebhooks {
    /// The state before a change. What an earlier change has not restored yet is older, and counts,
    /// unless the number was changed since by somebody else.
    pub(crate) fn new(
        number: &CarrierNumber,
        after: &[(Channel, NumberWebhook)],
        earlier: Option<&FormerWebhooks>,
    ) -> FormerWebhooks {
        let change = |channel| {
            let unrestored = earlier.and_then(|earlier| earlier.change(channel));
            let current = number.webhook(channel);
            let ours = unrestored.filter(|change| change.after == *current);
            let before = ours.map_or(current, |change| &change.before).clone();
            match after.iter().find(|(changed, _)| *changed == channel) {
                Some((_, after)) => Some(WebhookChange { before, after: after.clone() }),
                // Not changed now, and still to be restored.
                None => ours.cloned(),
            }
        };
        FormerWebhooks {
            number: number.number.clone(),
            account: number.account.clone(),
            calls: change(Channel::Voice),
            messages: change(Channel::Message),
        }
    }

    fn change(&self, channel: Channel) -> Option<&WebhookChange> {
        match channel {
            Channel::Voice => self.calls.as_ref(),
            Channel::Message => self.messages.as_ref(),
        }
    }

    /// What restores the number, given its current webhooks.
    pub(crate) fn plan(&self, current: &CarrierNumber) -> RestorePlan {
        let mut plan = RestorePlan::default();
        for channel in [Channel::Voice, Channel::Message] {
            let Some(WebhookChange { before, after }) = self.change(channel) else { continue };
            let now = current.webhook(channel);
            if now == after && after != before {
                plan.webhooks.push((channel, before.clone()));
            } else if now != before {
                plan.changed_elsewhere.push(channel);
            }
        }
        plan
    }

    /// Reads what is stored for a number.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(crate) fn read(number: &str, config_folder: &Path) -> io::Result<Option<FormerWebhooks>> {
        match read_text_limited(&file(number, config_folder), CONFIG_BYTES_MAX) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(io::Error::from),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Stores it, readable by its owner alone.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self, config_folder: &Path) -> io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt as _;
        let file = file(&self.number, config_folder);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        // A whole file or none: a file that is cut would lose what it replaces.
        let part = file.with_extension("part");
        let _ = fs::remove_file(&part);
        let mut options = fs::OpenOptions::new();
        let mut target = options.write(true).create_new(true).mode(0o600).open(&part)?;
        target.write_all(&serde_json::to_vec_pretty(self)?)?;
        target.sync_all()?;
        fs::rename(&part, &file)
    }

    /// Removes what is stored for a number.
    pub(crate) fn remove(number: &str, config_folder: &Path) -> io::Result<()> {
        fs::remove_file(file(number, config_folder))
    }
}

/// The file for a number: in the user's folder for states, where no version control finds it.
/// Without a home it is a hidden file beside the configuration.
fn file(number: &str, config_folder: &Path) -> PathBuf {
    let variable = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let states =
        variable("XDG_STATE_HOME").or_else(|| Some(variable("HOME")?.join(".local/state")));
    let digits = number.trim_start_matches('+');
    match states {
        Some(states) => states.join("twimlgate").join(format!("number-{digits}.json")),
        None => config_folder.join(format!(".twimlgate-number-{digits}.json")),
    }
}
