//! The routes with their URLs, as a table for the terminal.

use std::net::SocketAddr;

use crate::channel::Channel;
use crate::config::{Config, RouteAnswer};
use crate::tools::text::{BOLD, CYAN, DIM, TextColours, columns};

/// A line for each route: its path, its channel, what answers, and the URL for the carrier's
/// console. Below them are the local address and what is missing.
pub(crate) fn format_board(config: &Config, address: SocketAddr, colours: TextColours) -> String {
    let public = config.server.public_url.as_deref();
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let local = format!("{scheme}://{address}");
    let base = public.unwrap_or(&local);
    let mut rows = Vec::new();
    for (path, route) in &config.routes {
        let channel = match route.channel {
            Channel::Voice => "calls",
            Channel::Message => "messages",
        };
        rows.push([format!("{base}{path}"), channel.to_owned(), describe_answer(&route.answer)]);
    }
    let width = |column: usize| rows.iter().map(|row| columns(&row[column])).max().unwrap_or(0);
    let (urls, channels) = (width(0), width(1));
    let mut board = format!("{}\n\n", colours.paint(BOLD, "twimlgate is answering"));
    for [url, channel, answer] in &rows {
        let pad = |text: &str, width: usize| " ".repeat(width.saturating_sub(columns(text)));
        board += &format!(
            "  {}{}   {channel}{}   {}\n",
            colours.paint(CYAN, url),
            pad(url, urls),
            pad(channel, channels),
            colours.paint(DIM, answer),
        );
    }
    board += &match public {
        Some(_) => format!("\n  Paste these URLs into the carrier's console. Locally: {local}\n"),
        None => "\n  A carrier cannot reach these URLs: set `server.public_url`, or add \
                 `--tunnel cloudflared`.\n  To try them without one: twimlgate phone ROUTE, \
                 twimlgate text ROUTE\n"
            .to_owned(),
    };
    board
}

fn describe_answer(answer: &RouteAnswer) -> String {
    match answer {
        RouteAnswer::Short(short) => format!("function {}", short.function),
        RouteAnswer::Flow(flow) => format!("flow {}", flow.text),
    }
}
