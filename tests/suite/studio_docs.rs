//! The page on Studio's flows names everything that the engine knows.

use twimlgate::flow::{CONDITION_TYPES, WIDGET_TYPES};

#[test]
fn every_widget_property_event_and_condition_is_told() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/studio.md");
    let page = std::fs::read_to_string(path).unwrap();
    let mut missing = Vec::new();
    for known in WIDGET_TYPES {
        let title = format!("### `{}`\n", known.name);
        let Some((_, section)) = page.split_once(&title) else {
            missing.push(known.name.to_owned());
            continue;
        };
        let section = section.split("\n### ").next().unwrap();
        let properties = known.properties.iter().map(|property| format!("| `{}`", property.name));
        let events = known.events.iter().map(|event| format!("| → `{event}` |"));
        let untold = properties.chain(events).filter(|row| !section.contains(row.as_str()));
        missing.extend(untold.map(|row| format!("{}: {row}", known.name)));
    }
    let untold =
        CONDITION_TYPES.iter().filter(|(name, _)| !page.contains(&format!("| `{name}` |")));
    missing.extend(untold.map(|(name, _)| (*name).to_owned()));
    assert!(missing.is_empty(), "docs/studio.md lacks:\n{}", missing.join("\n"));
}
