//! The account of a new project: the variables of `.env` that hold it, and their values.

use crate::random;

/// An account, by the names of its variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProjectAccount {
    sid_variable: &'static str,
    token_variable: &'static str,
    sid: String,
    token: String,
    is_invented: bool,
}

/// The variables of the carrier's own packages, and those of Twilio Functions.
const VARIABLES: [(&str, &str); 2] =
    [("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"), ("ACCOUNT_SID", "AUTH_TOKEN")];

impl ProjectAccount {
    /// An account that does not exist. Its token is random, so that a forgotten token of a template
    /// does not sign webhooks.
    pub(super) fn invent() -> ProjectAccount {
        let (sid_variable, token_variable) = VARIABLES[0];
        let (sid, token) = (random::sid("AC"), random::sid(""));
        ProjectAccount { sid_variable, token_variable, sid, token, is_invented: true }
    }

    /// The account that a `.env` file has, if both values can be real.
    pub(super) fn of_variables(env: &[(String, String)]) -> Option<ProjectAccount> {
        let value = |name: &str| {
            let variable = env.iter().find(|(known, _)| known == name);
            variable.map(|(_, value)| value.clone())
        };
        VARIABLES.iter().find_map(|&(sid_variable, token_variable)| {
            let sid = value(sid_variable).filter(|sid| is_account_sid(sid))?;
            let token = value(token_variable).filter(|token| is_token(token))?;
            Some(ProjectAccount { sid_variable, token_variable, sid, token, is_invented: false })
        })
    }

    /// The same account under the names of a project of twimlgate.
    pub(super) fn with_usual_names(self) -> ProjectAccount {
        let (sid_variable, token_variable) = VARIABLES[0];
        ProjectAccount { sid_variable, token_variable, ..self }
    }

    /// The same account under the names of Twilio Functions.
    pub(super) fn with_function_names(self) -> ProjectAccount {
        let (sid_variable, token_variable) = VARIABLES[1];
        ProjectAccount { sid_variable, token_variable, ..self }
    }

    /// A variable's value.
    pub(super) fn variable(&self, name: &str) -> Option<String> {
        let pairs = [(self.sid_variable, &self.sid), (self.token_variable, &self.token)];
        pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
    }

    /// The beginning of the configuration.
    pub(super) fn config_text(&self) -> String {
        self.rename(include_str!("project/config-account.toml"))
    }

    /// The text of `.env`.
    pub(super) fn env_text(&self) -> String {
        let origin = if self.is_invented {
            "The account is invented: replace it by yours before a carrier calls."
        } else {
            "The account is that of the functions."
        };
        let text = include_str!("project/env").replace("{ORIGIN}", origin);
        self.rename(&text.replace("{SID}", &self.sid).replace("{TOKEN}", &self.token))
    }

    /// The text of `.env.example`, without the values.
    pub(super) fn env_example_text(&self) -> String {
        self.rename(include_str!("project/env.example"))
    }

    fn rename(&self, text: &str) -> String {
        let (sid, token) = VARIABLES[0];
        text.replace(sid, self.sid_variable).replace(token, self.token_variable)
    }
}

fn is_account_sid(text: &str) -> bool {
    let digits = text.strip_prefix("AC").unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether a text can be a token, and needs no quotes in `.env`.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}
