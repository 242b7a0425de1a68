//! The carrier of a walk: the phone's own call and chat, taken along every way that they have.

use std::time::Duration;

use twimlgate::flow::Wait;
use twimlgate::tools::phone::{
    AppResponse, Caller, ConversationState, ExpectedInput, PhoneAction, PhoneCall, PhoneChat,
    PhoneEvent, PhoneNumber, WebhookRequest,
};
use twimlgate::webhook::Params;

use super::hints::OTHER;

/// What follows a document, as the flow sees it.
#[derive(Clone, Debug)]
pub(crate) enum Comes {
    /// The webhook that it waits for.
    Webhook(Params),
    /// The call comes back from another application.
    Returned(Params),
    /// The call is over.
    HangUp(Params),
}

/// All that can follow a document of a call.
#[derive(Default)]
pub(crate) struct Ways {
    pub(crate) comes: Vec<Comes>,
    /// What is wrong with the document for a flow that waits.
    pub(crate) wrong: Vec<String>,
}

/// The URL of the flow.
pub(crate) const URL: &str = "https://gate.example/flow";

const NOW: Duration = Duration::from_secs(1_790_000_000);

fn number() -> PhoneNumber {
    PhoneNumber { status_callback: Some(URL.to_owned()), ..PhoneNumber::for_url(URL) }
}

fn caller() -> Caller {
    Caller::new("+15550100", "+15550199")
}

fn sid() -> String {
    "CA00000000000000000000000000000001".to_owned()
}

/// The webhook for a new call.
pub(crate) fn incoming_call() -> Params {
    let call = PhoneCall::dial(number(), caller(), sid(), NOW);
    asked(call.state()).expect("it begins with a webhook").params.clone()
}

/// The webhook for a message.
pub(crate) fn incoming_message(body: &str) -> Params {
    let mut chat = PhoneChat::new(number(), caller());
    chat.perform(&PhoneAction::Text { body: body.to_owned(), media: Vec::new() }).unwrap();
    asked(chat.state()).expect("it begins with a webhook").params.clone()
}

/// Goes through a document of a call in all ways. `wait` is what the execution waits for, and
/// `replies` are the keys and words that may lead somewhere.
pub(crate) fn ways(document: &[u8], wait: &Wait, replies: &[String]) -> Ways {
    let mut call = PhoneCall::in_progress(number(), caller(), sid(), NOW);
    call.handle_response(Ok(answer(document)), NOW);
    let mut ways = Ways::default();
    ways.follow(call, wait, replies);
    ways
}

fn answer(document: &[u8]) -> AppResponse {
    AppResponse {
        url: URL.to_owned(),
        status: 200,
        content_type: Some("text/xml".to_owned()),
        body: document.to_vec().into(),
    }
}

fn asked(next: ConversationState<'_>) -> Option<&WebhookRequest> {
    match next {
        ConversationState::Request(request) => Some(request),
        ConversationState::Input | ConversationState::Over => None,
    }
}

impl Ways {
    fn follow(&mut self, mut call: PhoneCall, wait: &Wait, replies: &[String]) {
        while let ConversationState::Request(request) = call.state() {
            let request = request.clone();
            let awaited = request.url.contains(&format!("step={}", wait.token));
            if awaited {
                return self.comes.push(Comes::Webhook(request.params));
            } else if request.purpose == "status callback" {
                return self.over(&call, wait, request.params);
            } else if !request.wants_document {
                call.handle_response(Ok(answer(b"")), NOW);
            } else if wait.handed_over {
                let query = request.url.split_once('?').map_or("", |(_, query)| query);
                let query = Params::decode_query(query).unwrap();
                let ours = |name: &str| matches!(name, "FlowEvent" | "step");
                let given = query.iter().filter(|(name, _)| !ours(name)).collect();
                return self.comes.push(Comes::Returned(given));
            } else {
                let what = format!("<{}> does not come back to the step", request.purpose);
                return self.wrong.push(what);
            }
        }
        for action in acts(&call.expected_input(), replies) {
            let mut next = call.clone();
            if next.perform(&action, NOW).is_ok() {
                self.follow(next, wait, replies);
            }
        }
    }

    /// A call that is over: by the caller, or by the document, which must have meant it.
    fn over(&mut self, call: &PhoneCall, wait: &Wait, status: Params) {
        let heard = call.clone().take_events();
        let meant = heard.iter().any(|heard| match heard {
            PhoneEvent::CarrierStep { verb, .. } => matches!(*verb, "Hangup" | "Reject"),
            PhoneEvent::End(ended) => ended.name() == "hung up",
            _ => false,
        });
        if !meant && !wait.handed_over {
            self.wrong.push("the document ends, and nothing comes back".to_owned());
        }
        self.comes.push(Comes::HangUp(status));
    }
}

/// All actions that a person may perform.
fn acts(expected: &ExpectedInput, replies: &[String]) -> Vec<PhoneAction> {
    let is_key = |key: char| key.is_ascii_digit() || "*#".contains(key);
    let keys = |text: &str| !text.is_empty() && text.chars().all(is_key);
    let mut acts = vec![PhoneAction::HangUp];
    match expected {
        ExpectedInput::Gather { keys: listens, speech, .. } => {
            let replies = || replies.iter().filter(|reply| !reply.is_empty());
            if *listens {
                acts.extend(replies().filter(|it| keys(it)).cloned().map(PhoneAction::Press));
                acts.push(PhoneAction::Press("97".to_owned()));
            }
            if *speech {
                acts.extend(replies().cloned().map(PhoneAction::Say));
                acts.push(PhoneAction::Say(OTHER.to_owned()));
            }
            acts.push(PhoneAction::Wait(None));
        }
        ExpectedInput::Recording { finish_on_key, .. } => {
            acts.push(PhoneAction::Say(OTHER.to_owned()));
            acts.extend(
                finish_on_key.chars().take(1).map(|key| PhoneAction::Press(key.to_string())),
            );
            acts.push(PhoneAction::Wait(None));
        }
        ExpectedInput::Outcome { words, .. } => {
            acts.extend(words.iter().map(|word| PhoneAction::Outcome {
                word: (*word).to_owned(),
                parameters: Vec::new(),
            }))
        }
        ExpectedInput::Listen | ExpectedInput::Message | ExpectedInput::Nothing => {}
    }
    acts
}
