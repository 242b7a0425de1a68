//! `fuzz TARGET [--seconds 60] [--seed 1]`, `fuzz TARGET FILE…`, `fuzz --list`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((list, [])) if list == "--list" => {
            twimlgate_fuzz::names().for_each(|name| println!("{name}"));
            ExitCode::SUCCESS
        }
        Some((target, rest)) if twimlgate_fuzz::names().any(|name| name == target) => {
            if rest.first().is_some_and(|first| !first.starts_with("--")) {
                return code(twimlgate_fuzz::replay(target, rest));
            }
            let number = |name: &str, default| {
                let at = rest.iter().position(|argument| argument == name);
                at.and_then(|at| rest.get(at + 1)?.parse().ok()).unwrap_or(default)
            };
            let summary = twimlgate_fuzz::run(target, number("--seconds", 60), number("--seed", 1));
            println!("{summary}");
            code(summary.findings == 0)
        }
        _ => {
            eprintln!("fuzz TARGET [--seconds 60] [--seed 1] | fuzz TARGET FILE… | fuzz --list");
            ExitCode::from(2)
        }
    }
}

fn code(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
