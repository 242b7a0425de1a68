//! The output of the demo: webhook, function call and response, side by side.

use super::webhook::{DemoExchange, WebhookSample};
use super::{Demo, function::ReceivedCall};
use crate::diagnostics::shorten::shorten_middle;
use crate::tools::cli::program::{command_name, single_quoted};
use crate::tools::route_table::RouteTable;
use crate::tools::text::{BOLD, TextColours, columns, fold};

/// Terminal columns of one of the three output columns.
const COLUMN_WIDTH: usize = 40;

/// Terminal columns of all three, with the space between them.
const TOTAL_WIDTH: u16 = 126;

/// One output column; the first line is its title.
struct OutputColumn(Vec<String>);

pub(super) fn print_title(demo: &Demo, colours: TextColours) {
    let server = &demo.server;
    let routes = RouteTable::new(&server.gateway(), server.address, server.admin);
    let function = format!("Your function: http://{}", demo.function.address);
    out!("{}", routes.format_box("twimlgate demo", &[&function], colours));
}

pub(super) fn print_exchange(exchange: &DemoExchange, colours: TextColours) {
    outln!("\n{}\n", colours.paint(BOLD, exchange.sample.title));
    let columns =
        [webhook_column(exchange), call_column(exchange.call.as_ref()), response_column(exchange)];
    // A pipe has no width: its reader can scroll.
    let is_wide = terminal_size::terminal_size().is_none_or(|(width, _)| width.0 >= TOTAL_WIDTH);
    if is_wide {
        print_side_by_side(&columns, colours);
    } else {
        print_one_below_the_other(&columns, colours);
    }
}

fn print_one_below_the_other(columns: &[OutputColumn], colours: TextColours) {
    for column in columns {
        let (title, lines) = column.0.split_first().expect("a column has a title");
        outln!("  {}", colours.paint(BOLD, title));
        lines.iter().for_each(|line| outln!("    {line}"));
    }
}

fn print_side_by_side(output: &[OutputColumn], colours: TextColours) {
    let lines = output.iter().map(|column| column.0.len()).max().unwrap_or_default();
    for number in 0..lines {
        let mut line = String::new();
        for column in output {
            let text = column.0.get(number).map_or("", String::as_str);
            // The padding is computed before the colours, which take no column.
            let padding = " ".repeat(COLUMN_WIDTH.saturating_sub(columns(text)));
            let colour = if number == 0 { BOLD } else { "" };
            line.push_str(&format!("  {}{padding}", colours.paint(colour, text)));
        }
        outln!("{}", line.trim_end());
    }
}

fn webhook_column(exchange: &DemoExchange) -> OutputColumn {
    let mut column = OutputColumn::new("carrier → gateway");
    column.push_line(&format!("POST {}", exchange.sample.path));
    column.push_pair("X-Twilio-Signature", &exchange.signature);
    for (name, value) in exchange.sample.params.iter() {
        column.push_pair(name, value);
    }
    column
}

fn call_column(call: Option<&ReceivedCall>) -> OutputColumn {
    let mut column = OutputColumn::new("gateway ⇄ your function");
    match call {
        None => column.push_line("the function was not called"),
        Some(call) => {
            column.push_line(&call.request);
            let signature = call.signature.as_deref().unwrap_or("none");
            column.push_pair("X-Twilio-Signature", signature);
            for (name, value) in call.params.iter() {
                column.push_pair(name, value);
            }
            column.push_line(&format!("← {}", call.answer.content_type));
            call.answer.body.lines().for_each(|line| column.push_line(line));
        }
    }
    column
}

fn response_column(exchange: &DemoExchange) -> OutputColumn {
    let mut column = OutputColumn::new("gateway → carrier");
    let milliseconds = exchange.duration.as_secs_f64() * 1_000.0;
    let DemoExchange { status, content_type, .. } = exchange;
    column.push_line(&format!("{status} {content_type}, {milliseconds:.1} ms"));
    exchange.document.lines().for_each(|line| column.push_line(line));
    column
}

pub(super) fn print_next_steps(demo: &Demo, colours: TextColours) {
    let sample = WebhookSample::message(demo);
    let (url, signature) = sample.sign(demo);
    let title = "Your turn. This webhook is signed, so it is answered:";
    outln!("\n{}\n", colours.paint(BOLD, title));
    outln!("  curl {url} -H 'X-Twilio-Signature: {signature}' \\");
    let pairs: Vec<String> = sample
        .params
        .iter()
        .map(|(name, value)| {
            // The command is pasted into a shell: a quote must not end the argument.
            format!("    --data-urlencode {}", single_quoted(&format!("{name}={value}")))
        })
        .collect();
    outln!("{}", pairs.join(" \\\n"));
    let program = command_name();
    outln!("\nChange one letter of it: you get 403, and no function is called. To find out why a");
    outln!("signature is wrong: {program} verify --help.");
    outln!("\nOr call it, as a caller would:\n");
    let (sid, token) = (&demo.sid, demo.token.expose());
    let voice = format!("http://{}/voice", demo.server.address);
    outln!("  {program} phone {voice} --account {sid} --token {token}");
    print_rest(&program);
}

/// The next steps where the servers end with the command.
pub(super) fn print_next_steps_alone(colours: TextColours) {
    let program = command_name();
    outln!("\n{}\n", colours.paint(BOLD, "Your turn."));
    outln!("  {program} demo");
    outln!("\nserves on, and prints a signed `curl` command to try it with.");
    print_rest(&program);
}

fn print_rest(program: &str) {
    let commands = format!("{program} check, {program} serve");
    outln!("\nThen: your own config.toml, {commands}. The README has the rest.");
}

impl OutputColumn {
    fn new(title: &str) -> OutputColumn {
        OutputColumn(vec![title.to_owned()])
    }

    /// Adds a name and its value on one line; a long value loses its middle.
    fn push_pair(&mut self, name: &str, value: &str) {
        let room = COLUMN_WIDTH.saturating_sub(columns(name) + 2);
        self.0.push(format!("{name}: {}", shorten_middle(value, room)));
    }

    /// Adds a line, folded with a hanging indent.
    fn push_line(&mut self, text: &str) {
        let trimmed = text.trim_start();
        let indent = (text.len() - trimmed.len()).min(COLUMN_WIDTH / 2);
        if columns(text) <= COLUMN_WIDTH {
            return self.0.push(text.to_owned());
        }
        let rows = fold(trimmed, COLUMN_WIDTH - indent - 2).into_iter().enumerate();
        self.0.extend(rows.map(|(number, row)| {
            let hanging = if number == 0 { indent } else { indent + 2 };
            format!("{}{row}", " ".repeat(hanging))
        }));
    }
}
