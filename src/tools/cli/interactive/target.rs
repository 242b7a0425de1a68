//! Whom to call or write to: a URL, or a route of a gateway that runs in this process.

use std::rc::Rc;

use actix_web::http::Method;

use super::InteractiveArgs;
use super::event_lines::{LineStyle, OutputLine};
use crate::channel::Channel;
use crate::gateway::Gateway;
use crate::metrics::Metrics;
use crate::tools::cli::request::environment_token;
use crate::tools::phone::{Caller, InProcessGateway, Phone, PhoneNumber};
use crate::uri::{http_url, resolve};

/// Everything that a conversation needs.
pub(super) struct SessionTarget {
    line: crate::tools::phone::WebhookClient,
    number: PhoneNumber,
    pub(super) caller: Caller,
    /// What the session begins with.
    pub(super) title: Vec<OutputLine>,
}

impl SessionTarget {
    /// Reads the arguments; loads the configuration where a ROUTE is meant.
    pub(super) fn of(
        channel: Channel,
        args: &InteractiveArgs,
        status_callback: Option<&str>,
    ) -> Result<SessionTarget, String> {
        let mut target = match args.target.starts_with('/') {
            true => SessionTarget::route(channel, args)?,
            false => SessionTarget::url(args)?,
        };
        let PhoneNumber { url, fallback, status_callback: told, get } = &mut target.number;
        *get = args.method == Method::GET;
        *fallback = args.fallback.as_deref().map(|fallback| resolve(url, fallback));
        if let Some(given) = status_callback {
            *told = Some(resolve(url, given));
        }
        if channel == Channel::Message {
            *told = None;
        }
        for other in [&fallback, &told].into_iter().filter_map(|other| other.as_deref()) {
            whole(other)?;
        }
        let does = if channel == Channel::Voice { "calls" } else { "writes to" };
        let Caller { from, to, .. } = &target.caller;
        let title = format!("{from} {does} {to}: {}", args.target);
        target.title.insert(0, OutputLine::new(LineStyle::Title, title));
        Ok(target)
    }

    /// A route of the configuration.
    fn route(channel: Channel, args: &InteractiveArgs) -> Result<SessionTarget, String> {
        if args.token.is_some() {
            return Err(
                "`--token` is for a URL: a ROUTE is signed with the token of its account, \
                 as configured"
                    .to_owned(),
            );
        }
        let file = args.config.config.display();
        let (gateway, problems) = Gateway::load(&args.config.config, &Metrics::new());
        eprint!("{problems}");
        let gateway = gateway.ok_or_else(|| format!("`{file}` cannot be used as it is"))?;
        let desk = Rc::new(InProcessGateway::new(gateway, None, false));
        match desk.channel(&args.target) {
            Some(known) if known == channel => {}
            Some(Channel::Voice) => {
                let route = &args.target;
                return Err(format!("`{route}` takes calls: `twimlgate phone {route}`"));
            }
            Some(Channel::Message) => {
                let route = &args.target;
                return Err(format!("`{route}` takes messages: `twimlgate text {route}`"));
            }
            None => {
                let routes = desk.gateway().config.routes.iter();
                let fit = routes.filter(|(_, route)| route.channel == channel);
                let known: Vec<String> = fit.map(|(path, _)| format!("`{path}`")).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(format!("`{file}` has no route `{}`; it has {known}", args.target));
            }
        }
        let account = args.account.as_deref().or(desk.account());
        Ok(SessionTarget {
            line: crate::tools::phone::WebhookClient::desk(&desk),
            number: desk.number(&args.target),
            caller: caller(args, account),
            title: vec![OutputLine::new(
                LineStyle::Note,
                "The gateway runs in this process. Functions are called; the carrier's API is \
                 played, and nothing is sent to anybody.",
            )],
        })
    }

    /// Any application.
    fn url(args: &InteractiveArgs) -> Result<SessionTarget, String> {
        whole(&args.target)?;
        let token = args.token.clone().or_else(environment_token);
        let unsigned = "No signature: with `--token TOKEN` there is one.";
        let title = token.is_none().then(|| OutputLine::new(LineStyle::Note, unsigned));
        Ok(SessionTarget {
            line: crate::tools::phone::WebhookClient::network(token.as_ref()),
            number: PhoneNumber::at(&args.target),
            caller: caller(args, args.account.as_deref()),
            title: title.into_iter().collect(),
        })
    }

    /// The conversation, not begun.
    pub(super) fn phone(self, channel: Channel) -> Phone {
        Phone::of(channel, self.line, self.number, self.caller)
    }
}

fn caller(args: &InteractiveArgs, account: Option<&str>) -> Caller {
    let somebody = Caller::somebody(&args.from, &args.to);
    let account = account.map_or(somebody.account.clone(), str::to_owned);
    Caller { account, parameters: args.param.clone(), ..somebody }
}

/// A URL that a webhook can go to.
fn whole(url: &str) -> Result<(), String> {
    http_url(url).map(drop).ok_or_else(|| {
        format!(
            "`{url}` is no URL: expected `https://phone.example.com/voice`, or a route of the \
             configuration like `/voice`"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_whole_ones() {
        for good in ["http://localhost:3000/voice", "https://a:b@example.com/x?y#rc=2", "http://a"]
        {
            assert_eq!(whole(good), Ok(()));
        }
        for bad in ["", "voice", "localhost:3000/voice", "ftp://a/b", "http://", "http://a b/"] {
            assert!(whole(bad).is_err(), "{bad}");
        }
    }
}
