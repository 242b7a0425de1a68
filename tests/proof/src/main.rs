//! Tries to make the gateway lose, double or forge something, and prints what came of it.

mod arguments;
mod campaign;
mod campaigns;
mod carrier;
mod function;
mod gateway;
mod http;
mod report;
mod rng;
mod talk;

use std::process::ExitCode;
use std::time::Duration;

use arguments::Arguments;
use campaign::{Campaign, Context, Findings, Ran};
use campaigns::CAMPAIGNS;
use report::Row;
use twimlgate::clock;

fn main() -> ExitCode {
    let arguments = match Arguments::read(std::env::args().skip(1)) {
        Ok(arguments) => arguments,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    let chosen = CAMPAIGNS.iter().filter(|campaign| arguments.chosen(campaign));
    let rows: Vec<Row> = chosen.map(|campaign| one(campaign, &arguments)).collect();
    print!("{}", report::table(&rows));
    let violated = rows.iter().any(|row| row.failed());
    if violated { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs one campaign, and says at once what it has found.
fn one(campaign: &Campaign, arguments: &Arguments) -> Row {
    let amount = arguments.amount(campaign);
    let context = Context {
        amount,
        seed: arguments.seed,
        binary: arguments.binary.clone(),
        folder: arguments.work.join(campaign.name),
        flows: arguments.flows.clone(),
    };
    let Campaign { name, asserts, unit, .. } = campaign;
    eprintln!("{name}: {amount} {unit}, seed {}: {asserts}", arguments.seed);
    let began = clock::now();
    let findings = Findings::default();
    let ran = (campaign.run)(&context, &findings);
    let took: Duration = clock::now().duration_since(began);
    for violation in findings.all() {
        eprint!("{}", report::violation(name, arguments.seed, &violation));
    }
    if let Ok(Ran::Done { notes, .. }) = &ran {
        notes.iter().for_each(|note| eprintln!("  {note}"));
    }
    Row { name, ran, violations: findings.count(), took }
}
