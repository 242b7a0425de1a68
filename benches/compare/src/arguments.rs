//! `--name value` and `--flag`, and a clear line where one is missing.

use std::fmt::Display;
use std::str::FromStr;

/// The arguments of one of these programs. `benches/compare/run` writes them, so there is no help.
pub struct Arguments(Vec<String>);

impl Arguments {
    /// Those that this process was started with.
    pub fn of_process() -> Arguments {
        Arguments(std::env::args().skip(1).collect())
    }

    /// Whether `--name` is there.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    /// What follows `--name`, read as a `T`; ends the process with 2 where it cannot be read.
    pub fn optional<T: FromStr<Err: Display>>(&self, name: &str) -> Option<T> {
        let at = self.0.iter().position(|argument| argument == name)?;
        let value = self.0.get(at + 1).map_or("", String::as_str);
        Some(value.parse().unwrap_or_else(|error| usage(name, &format!("`{value}`: {error}"))))
    }

    /// The same for what must be given.
    pub fn required<T: FromStr<Err: Display>>(&self, name: &str) -> T {
        self.optional(name).unwrap_or_else(|| usage(name, "missing"))
    }

    /// What follows `--name`, separated by commas; empty where it is not there.
    pub fn list<T: FromStr<Err: Display>>(&self, name: &str) -> Vec<T> {
        let list: String = self.optional(name).unwrap_or_default();
        let items = list.split(',').filter(|item| !item.is_empty());
        items
            .map(|item| item.parse().unwrap_or_else(|e| usage(name, &format!("`{item}`: {e}"))))
            .collect()
    }
}

fn usage(name: &str, problem: &str) -> ! {
    eprintln!("{name}: {problem}");
    std::process::exit(2);
}
