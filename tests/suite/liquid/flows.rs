//! Every Liquid text of real Studio flows compiles.

use std::path::Path;

use serde_json::Value;
use twimlgate::liquid::{LiquidEngine, OutputFormat, RenderLimits};

/// All texts with markup in a flow, keys left out.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if text.contains("{{") || text.contains("{%") => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(members) => members.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}

#[test]
fn liquid_of_studio_flows_compiles() {
    let Some(facts) = std::env::var_os("TWIMLGATE_FACTS") else {
        println!("skipped: TWIMLGATE_FACTS does not name a folder beside `flows`");
        return;
    };
    let engine = LiquidEngine::new(RenderLimits::default());
    let (mut files, mut count, mut failures) = (0, 0, Vec::new());
    for entry in Path::new(&facts).join("../flows").read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let flow: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let mut found = Vec::new();
        texts(&flow, &mut found);
        files += 1;
        count += found.len();
        for text in found {
            let name = path.file_name().unwrap().to_string_lossy();
            match engine.compile(&name, text, OutputFormat::Plain) {
                // Without data every text renders, as nothing is undefined.
                Ok(template) => {
                    if let Err(error) = template.render(&serde_json::json!({}), 0) {
                        failures.push(format!("{error:#}"));
                    }
                }
                Err(errors) => failures.push(format!("{:#}", errors[0])),
            }
        }
    }
    println!("{count} Liquid texts of {files} flows");
    assert!(count > 0 && failures.is_empty(), "\n{}", failures.join("\n"));
}
