//! `twimlgate dev --number`: a number of the carrier points at the gateway while it runs.

use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use tokio::sync::oneshot;

use super::files::folder_of;
use crate::channel::Channel;
use crate::config::Config;
use crate::function::{Functions, Resolver, SharedFunctions};
use crate::gateway::Gateway;
use crate::tools::cli::program::{command_name, quote_for_shell};
use crate::tools::cli::reload::Signals;
use crate::tools::dev::{CarrierNumber, FormerWebhooks, NumberApi, NumberWebhook};

#[derive(Debug, clap::Args)]
pub(super) struct NumberArgs {
    /// Send the calls and messages of this number here until the command ends. Asks first
    #[arg(long, value_name = "NUMBER", value_parser = parse_number)]
    number: Option<String>,
    /// The route or function for the calls of the number
    #[arg(long, value_name = "PATH", requires = "number")]
    calls: Option<String>,
    /// The route or function for the messages of the number
    #[arg(long, value_name = "PATH", requires = "number")]
    messages: Option<String>,
    /// Change the number without asking
    #[arg(long, requires = "number")]
    yes: bool,
    /// Only set the webhooks of the number back to what they were
    #[arg(long, requires = "number", conflicts_with_all = ["tunnel", "calls", "messages", "yes"])]
    restore: bool,
}

/// A number whose webhooks are to be changed, or are changed already.
pub(super) struct NumberSession {
    api: NumberApi,
    number: CarrierNumber,
    webhooks: Vec<(Channel, NumberWebhook)>,
    config: PathBuf,
}

fn parse_number(text: &str) -> Result<String, String> {
    let number: String = text.chars().filter(|letter| !" -().".contains(*letter)).collect();
    let digits = number.strip_prefix('+').unwrap_or_default();
    let is_number = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if is_number { Ok(number) } else { Err("expected a number like +15550100".to_owned()) }
}

// === impl NumberArgs ===

impl NumberArgs {
    /// The number to restore, if that is all that is to be done.
    pub(super) fn number_to_restore(&self) -> Option<&str> {
        self.number.as_deref().filter(|_| self.restore)
    }

    /// Finds the number, and asks whether to change it. `None` without `--number`, if there is
    /// nothing to change, or if the answer is no.
    ///
    /// # Errors
    /// The number cannot be found, or what it should be set to is not clear.
    pub(super) async fn prepare(
        &self,
        gateway: &Gateway,
        config_path: &Path,
        signals: &mut Signals,
    ) -> Result<Option<NumberSession>, String> {
        let Some(number) = &self.number else { return Ok(None) };
        let mut webhooks = self.wanted_webhooks(gateway)?;
        let api = number_api(&gateway.config)?;
        let number = api.find(number).await.map_err(|error| error.to_string())?;
        outln!("{} of the account {}", number.number, number.account);
        webhooks.retain(|(channel, webhook)| {
            let (noun, now) = (noun(*channel), number.webhook(*channel));
            if let Some(elsewhere) = number.elsewhere(*channel) {
                outln!("  {noun} go to {elsewhere}: a URL has no effect, and is not changed");
                return false;
            }
            if now == webhook {
                outln!("  {noun} go to {now} already");
                return true;
            }
            outln!("  {noun} go to {now}; change to {webhook}");
            if *channel == Channel::Message {
                outln!("    (in a Messaging Service, the setting of the service takes precedence)");
            }
            true
        });
        if webhooks.is_empty() {
            return Err(format!("nothing of {} can be changed", number.number));
        }
        outln!("What it was is restored when this command ends.");
        let config = config_path.to_owned();
        let session = NumberSession { api, number, webhooks, config };
        let is_needed = session.is_change();
        if !is_needed || self.yes || ask(signals).await? {
            return Ok(Some(session));
        }
        outln!("the number is not changed");
        Ok(None)
    }

    fn wanted_webhooks(&self, gateway: &Gateway) -> Result<Vec<(Channel, NumberWebhook)>, String> {
        let base = gateway.config.server.public_url.as_deref().ok_or(
            "`--number` needs a URL that the carrier can reach: add `--tunnel cloudflared` (or \
             `ngrok`), or set `server.public_url`",
        )?;
        let mut webhooks = Vec::new();
        for (channel, chosen) in [(Channel::Voice, &self.calls), (Channel::Message, &self.messages)]
        {
            if let Some(path) = choose_path(gateway, channel, chosen.as_deref())? {
                webhooks.push((channel, NumberWebhook::post(format!("{base}{path}"))));
            }
        }
        if webhooks.is_empty() {
            return Err("no route takes calls or messages: choose a function with `--calls PATH` \
                        or `--messages PATH`"
                .to_owned());
        }
        Ok(webhooks)
    }
}

/// The path for a channel: the chosen one, or that of its only route.
fn choose_path(
    gateway: &Gateway,
    channel: Channel,
    chosen: Option<&str>,
) -> Result<Option<String>, String> {
    let routes = gateway.config.routes.iter().filter(|(_, route)| route.channel == channel);
    let paths: Vec<&str> = routes.map(|(path, _)| path.as_str()).collect();
    let noun = noun(channel);
    let Some(chosen) = chosen else {
        return match paths[..] {
            [] => Ok(None),
            [path] => Ok(Some(path.to_owned())),
            _ => Err(format!(
                "several routes take {noun}: choose one of `{}` with `--{noun} PATH`",
                paths.join("`, `")
            )),
        };
    };
    let path = chosen.split(['?', '#']).next().unwrap_or_default();
    let is_function = || {
        let mut functions = gateway.project.iter().flat_map(|project| project.function_routes());
        functions.any(|route| route.path == path)
    };
    let is_configured = gateway.config.routes.contains_key(path);
    if paths.contains(&path) || (!is_configured && is_function()) {
        return Ok(Some(chosen.to_owned()));
    }
    Err(format!("`{chosen}` takes no {noun}; the box of `twimlgate dev` lists what does"))
}

// === impl NumberSession ===

impl NumberSession {
    fn is_change(&self) -> bool {
        let differs = |(channel, webhook): &(Channel, NumberWebhook)| {
            self.number.webhook(*channel) != webhook
        };
        self.webhooks.iter().any(differs)
    }

    /// Changes the number. What it was is on the disk before.
    ///
    /// # Errors
    /// The state cannot be written, or the carrier did not carry out the change.
    pub(super) async fn point(&self) -> Result<(), String> {
        let (name, folder) = (&self.number.number, &folder_of(&self.config));
        let unusable = |error| format!("cannot store what the webhooks of {name} were: {error}");
        let earlier = FormerWebhooks::read(name, folder).map_err(unusable)?;
        let former = FormerWebhooks::new(&self.number, &self.webhooks, earlier.as_ref());
        if !self.is_change() {
            return Ok(());
        }
        former.write(folder).map_err(unusable)?;
        let Err(error) = self.api.change(&self.number, &self.webhooks).await else {
            outln!("{name} is answered here");
            return Ok(());
        };
        if !error.is_refusal() {
            let command = restore_command(name, &self.config);
            return Err(format!("{error}; it may be changed nevertheless: {command} restores it"));
        }
        // Nothing was changed, so only what an earlier change has left is to be restored.
        let _ = match earlier {
            Some(earlier) => earlier.write(folder),
            None => FormerWebhooks::remove(name, folder),
        };
        Err(error.to_string())
    }

    /// Sets the number back, at the end.
    pub(super) async fn restore(&self) {
        if let Err(error) = restore(&self.api, &self.number.number, &self.config).await {
            errln!("error: {error}");
        }
    }
}

/// Restores a number, as a command of its own.
pub(super) async fn run_restore(number: &str, config_path: &Path) -> ExitCode {
    let (config, problems) = Config::read(config_path);
    err!("{problems}");
    let Some(config) = config else { return ExitCode::FAILURE };
    let restored = match number_api(&config) {
        Ok(api) => restore(&api, number, config_path).await,
        Err(error) => Err(error),
    };
    match restored {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            errln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn restore(api: &NumberApi, number: &str, config: &Path) -> Result<(), String> {
    let folder = &folder_of(config);
    let former = FormerWebhooks::read(number, folder)
        .map_err(|error| format!("cannot read what the webhooks of {number} were: {error}"))?;
    let Some(former) = former else {
        outln!("{number}: nothing is to be restored");
        return Ok(());
    };
    let again = |error: crate::tools::dev::NumberError| {
        format!("{number} is not restored: {error}; try again: {}", restore_command(number, config))
    };
    let current = api.find(number).await.map_err(again)?;
    let plan = former.plan(&current);
    if !plan.webhooks.is_empty() {
        api.change(&current, &plan.webhooks).await.map_err(again)?;
    }
    // All of it before the first line is printed: the terminal may be closed already.
    let removed = FormerWebhooks::remove(number, folder);
    for (channel, webhook) in &plan.webhooks {
        outln!("{number}: {} go to {webhook} again", noun(*channel));
    }
    for channel in plan.changed_elsewhere {
        let (noun, now) = (noun(channel), current.webhook(channel));
        outln!("{number}: {noun} go to {now} by now, which was not set here: that stays");
    }
    removed.map_err(|error| format!("{number} is restored, but its state is not removed: {error}"))
}

fn number_api(config: &Config) -> Result<NumberApi, String> {
    let shared = SharedFunctions::new(config, Resolver::System);
    let shared = shared.map_err(|error| error.to_string())?;
    Ok(NumberApi { functions: Functions::new(&shared), accounts: config.accounts.clone() })
}

/// The command that a person can copy.
fn restore_command(number: &str, config: &Path) -> String {
    let mut command = format!("{} dev --number {number} --restore", command_name());
    if config != Path::new("config.toml") {
        command += &format!(" --config {}", quote_for_shell(&config.display().to_string()));
    }
    format!("`{command}`")
}

fn noun(channel: Channel) -> &'static str {
    match channel {
        Channel::Voice => "calls",
        Channel::Message => "messages",
    }
}

/// Asks at the terminal. A signal is a no.
async fn ask(signals: &mut Signals) -> Result<bool, String> {
    if !io::stdin().is_terminal() {
        return Err("without a terminal the question cannot be asked: add `--yes`".to_owned());
    }
    out!("Change the number? [y/N] ");
    let (send, answer) = oneshot::channel();
    // Not a task of the runtime, which would wait for the line when it ends.
    std::thread::spawn(move || {
        let mut line = String::new();
        let _ = io::stdin().lock().read_line(&mut line);
        let _ = send.send(line);
    });
    let interrupted = || Err("interrupted: the number is not changed".to_owned());
    tokio::select! {
        line = answer => {
            let line = line.unwrap_or_default().trim().to_lowercase();
            Ok(matches!(line.as_str(), "y" | "yes"))
        }
        _ = signals.terminate.recv() => interrupted(),
        _ = signals.interrupt.recv() => interrupted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_with_its_country() {
        for text in ["+15550100", "+1 (555) 010-0123", "+44.20.7946.0000"] {
            assert!(parse_number(text).is_ok(), "{text}");
        }
        for text in ["", "5550100", "+1", "+1555x100", "+1234567890123456", "sip:a@b"] {
            assert!(parse_number(text).is_err(), "{text}");
        }
    }
}
