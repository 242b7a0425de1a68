//! Our Liquid beside minijinja, tera and the liquid crate: the same documents, in each language.
//!
//! `cargo run --release --manifest-path benches/liquid/Cargo.toml`
//!
//! The others are given data in their own values, converted before the clock starts; ours reads
//! `serde_json` values as they are. Each time is the median of 15 batches.

#![allow(dead_code, unused_imports, reason = "the module is taken whole, without its crate")]

#[path = "../../../src"]
mod source {
    pub mod diagnostics {
        pub mod excerpt;
        pub mod suggest;
    }
    pub mod hex;
    pub mod liquid;
    pub mod percent;
}
mod documents;
mod engines;

use std::alloc::System;
use std::hint::black_box;
use std::time::Instant;

use engines::{Engine, Liquid, Minijinja, Ours, Tera};
use source::{diagnostics, hex, percent};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BATCHES: usize = 15;
const ROUNDS: u32 = 2_000;

struct Row {
    name: &'static str,
    compile: f64,
    render: f64,
    allocations: usize,
    bytes: usize,
}

fn main() {
    for document in documents::all() {
        let mut rows = vec![row(&mut Ours::new(&document))];
        rows.push(row(&mut Minijinja::new(&document)));
        rows.push(row(&mut Tera::new(&document)));
        rows.push(row(&mut Liquid::new(&document)));
        print(&document, &rows);
    }
}

fn row(engine: &mut impl Engine) -> Row {
    let text = engine.render();
    engines::check(engine.name(), &text);
    let region = Region::new(ALLOCATOR);
    drop(black_box(engine.render()));
    let allocated = region.change();
    Row {
        name: engine.name(),
        compile: nanoseconds(|| engine.compile()),
        render: nanoseconds(|| {
            black_box(engine.render());
        }),
        allocations: allocated.allocations + allocated.reallocations,
        bytes: allocated.bytes_allocated,
    }
}

fn nanoseconds(mut run: impl FnMut()) -> f64 {
    let mut batches: Vec<f64> = (0..BATCHES)
        .map(|_| {
            let start = Instant::now();
            (0..ROUNDS).for_each(|_| run());
            start.elapsed().as_nanos() as f64 / f64::from(ROUNDS)
        })
        .collect();
    batches.sort_by(f64::total_cmp);
    batches[BATCHES / 2]
}

fn print(document: &documents::Document, rows: &[Row]) {
    let bytes = document.liquid.len();
    println!("\n{}, {bytes} bytes of template", document.name);
    println!("| engine | compile ns | render ns | allocations | bytes allocated |");
    println!("|---|---|---|---|---|");
    for Row { name, compile, render, allocations, bytes } in rows {
        println!("| {name} | {compile:.0} | {render:.0} | {allocations} | {bytes} |");
    }
    let (ours, theirs) = (&rows[0], &rows[1]);
    let (compile, render) = (ours.compile / theirs.compile, ours.render / theirs.render);
    println!("beside minijinja: compile {compile:.2} x (goal 2), render {render:.2} x (goal 1.5)");
}
