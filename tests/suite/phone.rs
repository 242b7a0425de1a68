//! The simulated carrier, with applications over real sockets and with a gateway in this process.

pub(crate) mod app;
mod calls;
mod chats;
mod commands;
mod in_process;
mod hold;
mod http;
mod outside;
mod terminal;
mod warnings;

use twimlgate::secret::Secret;
use twimlgate::tools::phone::{Caller, Phone, PhoneAction, PhoneEvent, PhoneNumber, WebhookClient};

use app::App;

/// The events, one per line.
pub(crate) fn lines(heard: &[PhoneEvent]) -> String {
    heard.iter().map(|heard| format!("{heard}\n")).collect()
}

/// The events without the webhooks.
pub(crate) fn words(heard: &[PhoneEvent]) -> String {
    let asked = |heard: &&PhoneEvent| !matches!(heard, PhoneEvent::Webhook(_));
    heard.iter().filter(asked).map(|heard| format!("{heard}\n")).collect()
}

/// A call to an application.
fn call(app: &App) -> Phone {
    let number = PhoneNumber {
        status_callback: Some(app.url("/status")),
        ..PhoneNumber::for_url(&app.url("/voice"))
    };
    Phone::for_call(line(), number, Caller::new("+15550100", "+15550199"))
}

/// A chat with an application.
fn chat(app: &App) -> Phone {
    let number = PhoneNumber::for_url(&app.url("/sms"));
    Phone::for_chat(line(), number, Caller::new("+15550100", "+15550199"))
}

fn line() -> WebhookClient {
    WebhookClient::for_network(Some(&Secret::new("12345".to_owned())))
}

/// Performs the actions of the lines, one after the other; returns the events.
async fn play(phone: &mut Phone, acts: &str) -> Vec<PhoneEvent> {
    let mut heard = phone.begin().await;
    for action in acts.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let action = PhoneAction::parse(action).unwrap();
        heard.extend(phone.perform(&action).await.unwrap_or_else(|error| panic!("{error}")));
    }
    heard
}
