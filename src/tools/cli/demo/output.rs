//! What the demo prints: webhook, function call and answer, side by side.

use super::Demo;
use super::webhook::{DemoExchange, DemoWebhook};

use crate::diagnostics::shorten::shorten_middle;

/// Characters of one of the three columns.
const COLUMN: usize = 40;

/// Characters of all three, with what is between them.
const WIDTH: u16 = 126;

/// The lines of one column; the first is its head.
struct OutputColumn(Vec<String>);

pub(super) fn title(demo: &Demo, colours: bool) {
    println!("{}", bold("twimlgate demo", colours));
    println!("  the gateway    http://{}", demo.server.address);
    println!("  your function  http://{}", demo.function.address);
}

pub(super) fn scene(scene: &DemoExchange, colours: bool) {
    println!("\n{}\n", bold(scene.play.title, colours));
    let columns = [webhook(scene), call(scene), answer(scene)];
    let wide = terminal_size::terminal_size().is_none_or(|(width, _)| width.0 >= WIDTH);
    if wide { side_by_side(&columns, colours) } else { one_below_the_other(&columns, colours) }
}

fn one_below_the_other(columns: &[OutputColumn], colours: bool) {
    for column in columns {
        let (head, lines) = column.0.split_first().expect("a column has a head");
        println!("  {}", bold(head, colours));
        lines.iter().for_each(|line| println!("    {line}"));
    }
}

fn side_by_side(columns: &[OutputColumn], colours: bool) {
    let lines = columns.iter().map(|column| column.0.len()).max().unwrap_or_default();
    for number in 0..lines {
        let mut line = String::new();
        for column in columns {
            let text = column.0.get(number).map_or("", String::as_str);
            let pad = " ".repeat(COLUMN.saturating_sub(text.chars().count()));
            let text = if number == 0 { bold(text, colours) } else { text.to_owned() };
            line.push_str(&format!("  {text}{pad}"));
        }
        println!("{}", line.trim_end());
    }
}

fn webhook(scene: &DemoExchange) -> OutputColumn {
    let mut column = OutputColumn::new("carrier → gateway");
    column.line(&format!("POST {}", scene.play.path));
    column.pair("X-Twilio-Signature", &scene.signature);
    for (name, value) in scene.play.params.iter() {
        column.pair(name, value);
    }
    column
}

fn call(scene: &DemoExchange) -> OutputColumn {
    let mut column = OutputColumn::new("gateway ⇄ your function");
    match &scene.asked {
        None => column.line("the function was not called"),
        Some(asked) => {
            column.line(&asked.request);
            let signature = asked.signature.as_deref().unwrap_or("none");
            column.pair("X-Twilio-Signature", signature);
            for (name, value) in asked.params.iter() {
                column.pair(name, value);
            }
            column.line(&format!("← {}", asked.content_type));
            asked.body.lines().for_each(|line| column.line(line));
        }
    }
    column
}

fn answer(scene: &DemoExchange) -> OutputColumn {
    let mut column = OutputColumn::new("gateway → carrier");
    let milliseconds = scene.took.as_secs_f64() * 1_000.0;
    column.line(&format!("{} {}, {milliseconds:.1} ms", scene.status, scene.content_type));
    scene.answer.lines().for_each(|line| column.line(line));
    column
}

pub(super) fn next_steps(demo: &Demo, colours: bool) {
    let play = DemoWebhook::message(demo);
    let (url, signature) = play.signed(demo);
    println!("\n{}\n", bold("Your turn. This webhook is signed, so it is answered:", colours));
    println!("  curl {url} -H 'X-Twilio-Signature: {signature}' \\");
    let pairs: Vec<String> = play
        .params
        .iter()
        .map(|(name, value)| {
            format!("    --data-urlencode '{name}={}'", value.replace('\'', r"'\''"))
        })
        .collect();
    println!("{}", pairs.join(" \\\n"));
    println!("\nChange one letter of it and you get 403, and nobody is called. Why one does not");
    println!("fit: twimlgate verify --help.");
    println!("\nOr call it, as a caller would:\n");
    let (sid, token) = (&demo.sid, demo.token.expose());
    let voice = format!("http://{}/voice", demo.server.address);
    println!("  twimlgate phone {voice} --account {sid} --token {token}");
    println!(
        "\nThen: your own config.toml, twimlgate check, twimlgate serve. The README says the rest."
    );
}

fn bold(text: &str, colours: bool) -> String {
    if colours { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
}

impl OutputColumn {
    fn new(head: &str) -> OutputColumn {
        OutputColumn(vec![head.to_owned()])
    }

    /// Adds a name and its value on one line; of a value that is too long, the middle is left out.
    fn pair(&mut self, name: &str, value: &str) {
        let room = COLUMN.saturating_sub(name.chars().count() + 2);
        self.0.push(format!("{name}: {}", shorten_middle(value, room)));
    }

    /// Adds a line, folded at a space if there is one.
    fn line(&mut self, text: &str) {
        let indent = (text.len() - text.trim_start().len()).min(COLUMN / 2);
        let mut rest: Vec<char> = text.chars().collect();
        while rest.len() > COLUMN {
            let space = rest[..COLUMN].iter().rposition(|c| *c == ' ').filter(|at| *at > indent);
            let tail = rest.split_off(space.map_or(COLUMN, |at| at + 1));
            self.0.push(rest.iter().collect::<String>().trim_end().to_owned());
            rest = [vec![' '; indent + 2], tail].concat();
        }
        self.0.push(rest.iter().collect());
    }
}
