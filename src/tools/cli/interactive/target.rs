//! The target of a session: a URL, or a route of a gateway that runs in this process.

use std::rc::Rc;

use actix_web::http::Method;

use super::InteractiveArgs;
use super::event_lines::{LineStyle, OutputLine};
use crate::channel::Channel;
use crate::diagnostics::problem::Severity;
use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::tools::cli::request::{environment_account, environment_token};
use crate::tools::phone::{
    Caller, InProcessGateway, OutsideRequests, Phone, PhoneNumber, WebhookClient, explain_refusal,
};
use crate::uri::{host, http_url, resolve};

/// The application, the caller and the title of a session.
pub(super) struct SessionTarget {
    client: WebhookClient,
    number: PhoneNumber,
    pub(super) caller: Caller,
    /// The servers that get requests without `--allow-callbacks`, but for the URLs of arguments.
    outside: OutsideRequests,
    /// What it means if the application refuses the webhooks.
    pub(super) refusal_advice: String,
    /// The first lines of the session.
    pub(super) title: Vec<OutputLine>,
}

impl SessionTarget {
    /// Reads the arguments. For a ROUTE, also loads the configuration.
    pub(super) fn from_args(
        channel: Channel,
        args: &InteractiveArgs,
        status_callback: Option<&str>,
    ) -> Result<SessionTarget, String> {
        let mut target = if args.target.starts_with('/') {
            SessionTarget::from_route(channel, args)?
        } else {
            SessionTarget::from_url(args)?
        };
        let PhoneNumber { url, fallback, status_callback: callback, get } = &mut target.number;
        // Only the first webhook: the others have the method of their verb.
        *get = args.method == Method::GET;
        *fallback = args.fallback.as_deref().map(|fallback| resolve(url, fallback));
        if let Some(reference) = status_callback {
            *callback = Some(resolve(url, reference));
        }
        // Only a call has an end to report.
        if channel == Channel::Message {
            *callback = None;
        }
        for url in [&fallback, &callback].into_iter().filter_map(|url| url.as_deref()) {
            check_url(url)?;
        }
        let given = [Some(&*url), fallback.as_ref(), callback.as_ref()];
        let named = given.into_iter().flatten().cloned().collect();
        if !args.allow_callbacks {
            let outside = OutsideRequests { named, ..target.outside.clone() };
            target.client = target.client.limit_outside(outside);
        }
        let verb = if channel == Channel::Voice { "calls" } else { "writes to" };
        let Caller { from, to, .. } = &target.caller;
        let title = format!("{from} {verb} {to}: {}", args.target);
        target.title.insert(0, OutputLine::new(LineStyle::Title, title));
        Ok(target)
    }

    /// The target for a route of the configuration.
    fn from_route(channel: Channel, args: &InteractiveArgs) -> Result<SessionTarget, String> {
        if args.token.is_some() {
            return Err(
                "`--token` is for a URL: a ROUTE is signed with the token of its account, \
                 as configured"
                    .to_owned(),
            );
        }
        let file = args.config.config.display();
        let config_file = &args.config.config;
        let (gateway, mut problems) = Gateway::load(config_file, &Metrics::new());
        // `check` reports the warnings of all routes.
        problems.retain(|problem| match &gateway {
            Some(gateway) => gateway.has_problem_on_route(problem, config_file, &args.target),
            None => problem.level == Severity::Error,
        });
        err!("{problems}");
        let gateway = gateway.ok_or_else(|| format!("`{file}` cannot be used as it is"))?;
        let gateway = Rc::new(InProcessGateway::new(gateway, None, false));
        match gateway.channel(&args.target) {
            Some(known) if known == channel => {}
            Some(Channel::Voice) => {
                let route = &args.target;
                return Err(format!("`{route}` takes calls: `twimlgate phone {route}`"));
            }
            Some(Channel::Message) => {
                let route = &args.target;
                return Err(format!("`{route}` takes messages: `twimlgate text {route}`"));
            }
            // A function and an application take both.
            None if gateway.has_direct_route(&args.target) => {}
            None => {
                let routes = gateway.gateway().config.routes.iter();
                let routes = routes.filter(|(_, route)| route.channel == channel);
                let routes = routes.map(|(path, _)| path.as_str());
                let project = gateway.gateway().project.iter();
                let functions = project.flat_map(|it| it.function_routes());
                let paths = routes.chain(functions.map(|route| route.path.as_str()));
                let known: Vec<String> = paths.map(|path| format!("`{path}`")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(format!("`{file}` has no route `{}`; it has {known}", args.target));
            }
        }
        let account = args.account.as_deref().or(gateway.account());
        let config = &gateway.gateway().config;
        // A function may hand the call to a page beside it.
        let functions = config.functions.values().map(|function| function.target.to_string());
        let functions = functions.chain(config.forwards.values().map(|it| it.url.to_string()));
        let rewritten = config.rewrites.iter().map(|rewrite| rewrite.to.clone());
        let document_servers = Some(functions.chain(rewritten).collect());
        Ok(SessionTarget {
            client: WebhookClient::for_gateway_and_network(&gateway),
            number: gateway.phone_number(&args.target),
            caller: caller(args, account),
            outside: OutsideRequests { document_servers, ..OutsideRequests::default() },
            refusal_advice: format!(
                "`--account` has to be the `sid` of an `[[account]]` in `{file}`"
            ),
            title: vec![OutputLine::new(
                LineStyle::Note,
                "The gateway runs in this process. Functions are called; the carrier's API is \
                 simulated, and no message is sent.",
            )],
        })
    }

    /// The target for a URL of any application.
    fn from_url(args: &InteractiveArgs) -> Result<SessionTarget, String> {
        check_url(&args.target)?;
        // The variable is that of the carrier's own packages.
        let token = args.token.clone().or_else(environment_token);
        let account = args.account.clone().or_else(environment_account);
        let unsigned = "The webhooks are not signed: that needs `--token TOKEN`.";
        let title = token.is_none().then(|| OutputLine::new(LineStyle::Note, unsigned));
        Ok(SessionTarget {
            client: WebhookClient::for_network(token.as_ref()),
            number: PhoneNumber::for_url(&args.target),
            caller: caller(args, account.as_deref()),
            // The application may call any other: nothing here knows which servers are its own.
            outside: OutsideRequests {
                callback_host: host(&args.target),
                ..OutsideRequests::default()
            },
            refusal_advice: explain_refusal(token.is_some(), account.as_deref()),
            title: title.into_iter().collect(),
        })
    }

    /// The phone, before it dials.
    pub(super) fn into_phone(self, channel: Channel) -> Phone {
        Phone::new(channel, self.client, self.number, self.caller)
    }
}

fn caller(args: &InteractiveArgs, account: Option<&str>) -> Caller {
    let usual = Caller::new(&args.from, &args.to);
    let account = account.map_or(usual.account.clone(), str::to_owned);
    Caller { account, parameters: args.param.clone(), ..usual }
}

/// Checks that a webhook can go to a URL.
fn check_url(url: &str) -> Result<(), String> {
    http_url(url).map(drop).ok_or_else(|| {
        format!(
            "`{url}` is not a URL: expected `https://phone.example.com/voice`, or a route of the \
             configuration like `/voice`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_a_scheme_and_a_host() {
        for good in ["http://localhost:3000/voice", "https://a:b@example.com/x?y#rc=2", "http://a"]
        {
            assert_eq!(check_url(good), Ok(()));
        }
        for bad in ["", "voice", "localhost:3000/voice", "ftp://a/b", "http://", "http://a b/"] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
