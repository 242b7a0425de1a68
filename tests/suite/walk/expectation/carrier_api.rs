//! The requests of widgets to the carrier's API, by the properties in the file: the parameters
//! that the carrier documents for them.

use serde_json::{Value, json};

use super::super::rewrites::Rewrites;
use super::{ACCOUNT, Variables};

/// A request to the API.
pub(super) struct ApiRequest {
    pub(super) path: String,
    pub(super) form: Vec<(String, String)>,
}

/// The properties of one widget.
struct Reader<'a> {
    widget: &'a Value,
    variables: &'a Variables,
    rewrites: &'a Rewrites,
    /// The URL of this turn's step, where the carrier reports what becomes of the request.
    callback: &'a str,
    form: Vec<(String, String)>,
}

/// Properties of outgoing calls with the names of their parameters.
const CALL: [(&str, &str); 6] = [
    ("from", "From"),
    ("to", "To"),
    ("send_digits", "SendDigits"),
    ("timeout", "Timeout"),
    ("sip_auth_username", "SipAuthUsername"),
    ("sip_auth_password", "SipAuthPassword"),
];

const CALL_RECORDING: [(&str, &str); 3] = [
    ("recording_channels", "RecordingChannels"),
    ("recording_status_callback", "RecordingStatusCallback"),
    ("trim", "Trim"),
];

const MACHINE_DETECTION: [(&str, &str); 4] = [
    ("machine_detection_timeout", "MachineDetectionTimeout"),
    ("machine_detection_speech_threshold", "MachineDetectionSpeechThreshold"),
    ("machine_detection_speech_end_threshold", "MachineDetectionSpeechEndThreshold"),
    ("machine_detection_silence_timeout", "MachineDetectionSilenceTimeout"),
];

const RECORDING: [(&str, &str); 5] = [
    ("trim", "Trim"),
    ("recording_status_callback", "RecordingStatusCallback"),
    ("recording_status_callback_method", "RecordingStatusCallbackMethod"),
    ("recording_status_callback_events", "RecordingStatusCallbackEvent"),
    ("recording_channels", "RecordingChannels"),
];

const CONVERSATION: [(&str, &str); 4] = [
    ("timers_inactive", "Timers.Inactive"),
    ("timers_closed", "Timers.Closed"),
    ("friendly_name", "FriendlyName"),
    ("attributes", "Attributes"),
];

impl ApiRequest {
    pub(super) fn of(
        widget: &Value,
        variables: &Variables,
        rewrites: &Rewrites,
        callback: &str,
    ) -> Option<ApiRequest> {
        let mut reader = Reader { widget, variables, rewrites, callback, form: Vec::new() };
        let path = match widget["type"].as_str()? {
            "send-message" => reader.message(false),
            "send-and-wait-for-reply" => reader.message(true),
            "make-outgoing-call-v1" | "make-outgoing-call-v2" => reader.call(),
            "record-call" => reader.recording(),
            "send-to-flex" => reader.interaction(),
            "start-conversation" => reader.conversation(),
            "resume-conversation" => reader.conversation_webhook(),
            _ => return None,
        };
        Some(ApiRequest { path, form: reader.form })
    }
}

impl Reader<'_> {
    fn raw(&self, name: &str) -> &Value {
        &self.widget["properties"][name]
    }

    /// A property, rewritten as a URL, a sid or a name is.
    fn text(&self, name: &str) -> Option<String> {
        let text = self.variables.property(self.raw(name))?;
        let rewritten = self.rewrites.apply(text.trim()).map(|(url, _)| url);
        let is_url = name == "media_url" || name == "recording_status_callback";
        Some(if is_url { rewritten.unwrap_or(text) } else { text })
    }

    fn push(&mut self, name: &str, value: impl Into<String>) {
        self.form.push((name.to_owned(), value.into()));
    }

    fn push_all(&mut self, parameters: &[(&str, &str)]) {
        for (property, name) in parameters {
            if let Some(text) = self.text(property) {
                self.push(name, text);
            }
        }
    }

    fn is_wired(&self, event: &str) -> bool {
        let next = |wired: &&Value| wired["next"].as_str().is_some_and(|next| !next.is_empty());
        let transitions = self.widget["transitions"].as_array();
        transitions.into_iter().flatten().filter(next).any(|wired| wired["event"] == event)
    }

    fn variable(&self, path: &str) -> String {
        let found = self.variables.find(path).and_then(Value::as_str);
        found.unwrap_or_default().to_owned()
    }

    fn message(&mut self, waits: bool) -> String {
        let from = self.text("from").unwrap_or_else(|| self.variable("flow.channel.address"));
        let sender = if from.starts_with("MG") { "MessagingServiceSid" } else { "From" };
        self.push(sender, from);
        let contact = self.variable("contact.channel.address");
        // A question goes to the person whose answer it waits for.
        let to = if waits { None } else { self.text("to") };
        self.push("To", to.unwrap_or(contact));
        self.push_all(&[("body", "Body"), ("media_url", "MediaUrl")]);
        if let Some(sid) = self.text("content_sid").or_else(|| self.text("content_template_sid")) {
            let pairs = self.variables.pairs(self.raw("content_variables")).into_iter();
            let variables: serde_json::Map<String, Value> =
                pairs.map(|(name, value)| (name, Value::String(value))).collect();
            self.push("ContentSid", sid);
            self.push("ContentVariables", Value::Object(variables).to_string());
        }
        if self.variables.flag(self.raw("shorten_urls")) {
            self.push("ShortenUrls", "true");
        }
        if waits && self.is_wired("deliveryFailure") && !self.callback.is_empty() {
            self.push("StatusCallback", self.callback);
        }
        format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
    }

    fn call(&mut self) -> String {
        self.push_all(&CALL);
        if self.variables.flag(self.raw("record")) {
            self.push("Record", "true");
            self.push_all(&CALL_RECORDING);
        }
        let detects = match self.text("detect_answering_machine") {
            Some(text) => text.trim().eq_ignore_ascii_case("true"),
            None => self.is_wired("answeredByMachine"),
        };
        if detects {
            let kind = self.text("machine_detection").unwrap_or_else(|| "Enable".to_owned());
            self.push("MachineDetection", kind);
            self.push_all(&MACHINE_DETECTION);
        }
        self.push("Url", self.callback);
        self.push("StatusCallback", self.callback);
        format!("/2010-04-01/Accounts/{ACCOUNT}/Calls.json")
    }

    fn recording(&mut self) -> String {
        let call = &self.variables.call_sid;
        let recordings = format!("/2010-04-01/Accounts/{ACCOUNT}/Calls/{call}/Recordings");
        if self.variables.flag(self.raw("record_call")) {
            self.push_all(&RECORDING);
            return format!("{recordings}.json");
        }
        self.push("Status", "stopped");
        format!("{recordings}/Twilio.CURRENT.json")
    }

    fn interaction(&mut self) -> String {
        let contact = self.variable("contact.channel.address");
        let scheme = contact.split_once(':').map_or("sms", |(scheme, _)| scheme);
        let participant =
            json!({"address": contact, "proxy_address": self.variable("flow.channel.address")});
        let channel = json!({"type": scheme, "initiated_by": "customer",
            "participants": [participant]});
        let number = |text: Option<String>| text.and_then(|it| it.trim().parse::<u32>().ok());
        let routing = json!({"properties": {
            "workflow_sid": self.text("workflow"),
            "task_channel_sid": self.text("channel"),
            "attributes": self.text("attributes"),
            "priority": number(self.text("priority")),
            "timeout": number(self.text("timeout")),
        }});
        self.push("Channel", channel.to_string());
        self.push("Routing", routing.to_string());
        "/v1/Interactions".to_owned()
    }

    /// The part of a path for a service that is not the account's default one.
    fn service(&self) -> String {
        let sid = self.text("conversation_service_sid").filter(|sid| sid.starts_with("IS"));
        sid.map_or_else(String::new, |sid| format!("/Services/{sid}"))
    }

    /// A property with JSON, in a text or as it is.
    fn json(&self, name: &str) -> Value {
        let text = match self.raw(name) {
            Value::String(source) => self.variables.text(source),
            other => self.variables.text(&other.to_string()),
        };
        serde_json::from_str(&text).unwrap_or_default()
    }

    fn conversation(&mut self) -> String {
        self.push_all(&CONVERSATION);
        for participant in self.json("participants").as_array().into_iter().flatten() {
            let binding = json!({"messaging_binding": {
                "address": participant["messaging_binding_address"],
                "proxy_address": participant["messaging_binding_proxy_address"],
            }});
            self.push("Participant", binding.to_string());
        }
        format!("/v1{}/ConversationWithParticipants", self.service())
    }

    fn conversation_webhook(&mut self) -> String {
        self.push("Target", "webhook");
        self.push("Configuration.Url", self.callback);
        let filters = self.json("webhook_filters");
        let filters = filters.as_array().map(|list| list.iter().filter_map(Value::as_str));
        let filters: Option<Vec<String>> = filters.map(|list| list.map(str::to_owned).collect());
        for filter in filters.unwrap_or_else(|| vec!["onMessageAdded".to_owned()]) {
            self.push("Configuration.Filters", filter);
        }
        let sid = self.text("conversation_sid").unwrap_or_default();
        format!("/v1{}/Conversations/{}/Webhooks", self.service(), sid.trim())
    }
}
