//! The paths that a gateway answers, with their URLs: as a box for a terminal, and as lines for a
//! log.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::channel::Channel;
use crate::config::{RouteAnswer, RouteDocument};
use crate::gateway::{Gateway, Project};
use crate::route::{DirectCallee, DirectTarget, RouteAccess};
use crate::tools::text::{BOLD, CYAN, DIM, TextColours, columns};

/// What a gateway answers: the routes, the functions of a project, and the flows that Studio's REST
/// begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RouteTable {
    rows: Vec<RouteRow>,
    /// Whether the carrier can reach the URLs, as far as the configuration says.
    has_public_url: bool,
}

/// One path.
#[derive(Clone, Debug, PartialEq, Eq)]
struct RouteRow {
    path: String,
    /// As the carrier calls it; the local one without a public URL.
    url: String,
    /// The URL on this machine, if it is another one.
    local_url: Option<String>,
    requests: &'static str,
    answer: String,
}

/// A line inside the box.
#[derive(Default)]
struct BoxLine {
    text: String,
    /// Terminal columns of the text, which colours do not take.
    width: usize,
}

// === impl RouteTable ===

impl RouteTable {
    /// The table of a gateway that listens on these addresses.
    pub(crate) fn new(
        gateway: &Gateway,
        address: SocketAddr,
        admin: Option<SocketAddr>,
    ) -> RouteTable {
        let config = &gateway.config;
        let scheme = if config.server.tls.is_some() { "https" } else { "http" };
        let local = format!("{scheme}://{}", reachable(address));
        let public = config.server.public_url.as_deref();
        let row = |path: &str, requests, answer| RouteRow {
            path: path.to_owned(),
            url: format!("{}{path}", public.unwrap_or(&local)),
            local_url: public.map(|_| format!("{local}{path}")),
            requests,
            answer,
        };
        let mut rows = Vec::new();
        for (path, route) in &config.routes {
            let requests = match route.channel {
                Channel::Voice => "calls",
                Channel::Message => "messages",
            };
            rows.push(row(path, requests, describe_answer(&route.answer)));
        }
        for (path, forward) in &config.forwards {
            let answer = format!("forward {}", forward.display_url());
            rows.push(row(path, "calls, messages", answer));
        }
        let functions = gateway.project.iter().flat_map(Project::function_routes);
        // A route of the configuration takes precedence.
        for route in functions.filter(|route| !config.routes.contains_key(&route.path)) {
            let requests = match route.access {
                RouteAccess::Open => "open to all",
                RouteAccess::Signed | RouteAccess::Private => "signed",
            };
            rows.push(row(&route.path, requests, describe_target(&route.target)));
        }
        if let Some(admin) = admin.map(reachable) {
            rows.extend(config.flows.iter().map(|(name, flow)| {
                let path = format!("/v2/Flows/{name}/Executions");
                let url = format!("http://{admin}{path}");
                let answer = format!("flow {}", flow.file.text);
                RouteRow { path, url, local_url: None, requests: "REST", answer }
            }));
        }
        RouteTable { rows, has_public_url: public.is_some() }
    }

    /// What a person does with the URLs.
    pub(crate) fn advice(&self) -> &'static [&'static str] {
        if self.has_public_url {
            &["Paste these URLs into the carrier's console. Those below them are local."]
        } else {
            &[
                "A carrier cannot reach these URLs: set `server.public_url`, or run",
                "`twimlgate dev --tunnel cloudflared`. To try them without one:",
                "`twimlgate phone ROUTE`, `twimlgate text ROUTE`.",
            ]
        }
    }

    /// A box with a title, the paths, and notes below them.
    pub(crate) fn format_box(&self, title: &str, notes: &[&str], colours: TextColours) -> String {
        let mut lines = vec![BoxLine::default()];
        lines.extend(self.box_lines(colours));
        if !notes.is_empty() {
            lines.push(BoxLine::default());
            lines.extend(notes.iter().map(|note| BoxLine::default().with(note, "", colours)));
        }
        lines.push(BoxLine::default());
        let widths = lines.iter().map(|line| line.width).chain([columns(title)]);
        let width = widths.max().unwrap_or(0);
        let terminal = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        // A frame whose lines the terminal folds is harder to read than none.
        if terminal.is_some_and(|terminal| terminal < width + 6) {
            let lines = lines.iter().map(|line| format!("  {}\n", line.text));
            return format!("{}\n{}", colours.paint(BOLD, title), lines.collect::<String>());
        }
        let mut text = format!("┌─ {} ", colours.paint(BOLD, title));
        text += &format!("{}┐\n", "─".repeat(width + 1 - columns(title)));
        for line in lines {
            text += &format!("│  {}{}  │\n", line.text, " ".repeat(width - line.width));
        }
        text + &format!("└{}┘\n", "─".repeat(width + 4))
    }

    /// A line of the log for each path.
    pub(crate) fn log_lines(&self) -> impl Iterator<Item = String> {
        self.rows.iter().map(|RouteRow { path, url, requests, answer, .. }| {
            format!("route {path}: {requests}, {answer}, {url}")
        })
    }

    fn box_lines(&self, colours: TextColours) -> Vec<BoxLine> {
        let urls =
            |row: &RouteRow| columns(&row.url).max(row.local_url.as_deref().map_or(0, columns));
        let url_width = self.rows.iter().map(urls).max().unwrap_or(0);
        let requests_width = self.rows.iter().map(|row| row.requests.len()).max().unwrap_or(0);
        let mut lines = Vec::new();
        for row in &self.rows {
            let line = BoxLine::default()
                .with(&row.url, CYAN, colours)
                .pad_to(url_width + 3)
                .with(row.requests, "", colours)
                .pad_to(url_width + requests_width + 6)
                .with(&row.answer, DIM, colours);
            lines.push(line);
            let local = row.local_url.iter();
            lines.extend(local.map(|url| BoxLine::default().with(url, DIM, colours)));
        }
        lines
    }
}

// === impl BoxLine ===

impl BoxLine {
    fn with(mut self, text: &str, colour: &str, colours: TextColours) -> BoxLine {
        self.width += columns(text);
        self.text += &colours.paint(colour, text);
        self
    }

    fn pad_to(mut self, width: usize) -> BoxLine {
        self.text += &" ".repeat(width.saturating_sub(self.width));
        self.width = self.width.max(width);
        self
    }
}

/// An address that a browser of this machine can open: none can open that of all interfaces.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        ip if ip.is_ipv4() => Ipv4Addr::LOCALHOST.into(),
        _ => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

fn describe_answer(answer: &RouteAnswer) -> String {
    match answer {
        RouteAnswer::Short(short) => format!("function {}", short.function),
        RouteAnswer::Flow(flow) => format!("flow {}", flow.text),
        RouteAnswer::Document(RouteDocument::File(file)) => format!("document {}", file.text),
        RouteAnswer::Document(RouteDocument::Inline(_)) => "twiml".to_owned(),
        // As written: a part of it may come from the environment, and be a secret.
        RouteAnswer::Redirect(redirect) => format!("redirect to {}", redirect.url.display_text()),
    }
}

/// The file, as its author names it.
fn describe_target(target: &DirectTarget) -> String {
    match target {
        DirectTarget::Call(DirectCallee::Function(function)) => function.title.text.clone(),
        DirectTarget::Call(DirectCallee::Application(application)) => application.prefix.clone(),
        DirectTarget::Asset(file) => file.display().to_string(),
    }
}
