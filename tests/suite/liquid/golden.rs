//! The cases of golden-liquid, a suite that several engines share.

use serde_json::{Value, json};
use twimlgate::liquid::{LiquidEngine, OutputFormat, RenderLimits};

/// Cases of golden-liquid that do not hold here; each has its reason in docs/liquid.md.
const KNOWN: [&str; 0] = [];

/// What a case came to: its text, or its error.
fn run(case: &Value) -> Result<String, String> {
    let mut engine = LiquidEngine::new(RenderLimits::default());
    for (name, source) in case["templates"].as_object().into_iter().flatten() {
        engine
            .add_partial(name, source.as_str().unwrap_or_default())
            .map_err(|errors| format!("{:#}", errors[0]))?;
    }
    let source = case["template"].as_str().unwrap_or_default();
    let template = engine
        .compile("case", source, OutputFormat::Plain)
        .map_err(|errors| format!("{:#}", errors[0]))?;
    let data = case.get("data").cloned().unwrap_or_else(|| json!({}));
    template.render(&data, 0).map_err(|error| format!("{error:#}"))
}

#[test]
fn golden_liquid_holds() {
    let cases: Value = serde_json::from_str(include_str!("../../liquid/golden.json")).unwrap();
    let mut failures = Vec::new();
    let cases = cases["tests"].as_array().unwrap();
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let result = run(case);
        let holds = match (&result, case.get("result"), case.get("results")) {
            (Err(_), _, _) => case["invalid"] == true,
            (Ok(text), Some(expected), _) => *expected == **text,
            (Ok(text), _, Some(expected)) => {
                expected.as_array().unwrap().iter().any(|expected| *expected == **text)
            }
            (Ok(_), None, None) => false,
        };
        if holds == KNOWN.contains(&name) {
            failures.push(format!("{name}: {result:?}\n  {case}"));
        }
    }
    println!("golden-liquid: {} of {} cases hold", cases.len() - KNOWN.len(), cases.len());
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}
