//! The documents that are rendered, in Liquid and in the Jinja of minijinja and tera.

use serde_json::{Value, json};

/// One document.
pub struct Document {
    pub name: &'static str,
    pub liquid: &'static str,
    pub jinja: &'static str,
    pub data: Value,
}

/// A loop of 10 items, and what a small flow answers.
pub fn all() -> [Document; 2] {
    let orders: Vec<Value> = (1..=10)
        .map(|number| json!({ "name": format!("Fish & chips {number}"), "state": "on its way" }))
        .collect();
    let data = json!({
        "caller": { "name": "Ada <Countess> Lovelace", "number": "+15005550006" },
        "orders": orders, "open": true, "hold": "/music/hold?style=calm&loop=1",
    });
    [
        Document {
            name: "a loop of 10",
            liquid: include_str!("loop.liquid"),
            jinja: include_str!("loop.jinja"),
            data: data.clone(),
        },
        Document {
            name: "a small answer",
            liquid: include_str!("small.liquid"),
            jinja: include_str!("small.jinja"),
            data,
        },
    ]
}
