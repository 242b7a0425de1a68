//! The sequence of steps: whatever comes in whatever order, against a plain model.
//!
//! An input is the name of a flow of ours, then one line for each thing that happens: `call 1`,
//! `text 1 words`, `press 1 9`, `go 1`, `repeat 1`, `stale 1`, `guess 1`, `cross 1 2`, `hangup 1`,
//! `status 1 failed`, `return 1`, `function 404`, `wait 3600`. All of it goes to the exchange, as
//! webhooks that the carrier sent.
//!
//! A finding is (besides a panic) a webhook without a document that the carrier takes, a repeat
//! with other bytes or with an effect, a step taken with a token that is not the last one's, a
//! history that has gaps, a step that is not kept or kept twice, two active executions of one
//! session, or more steps than the limit.

mod model;
mod stage;

use std::cell::RefCell;

use super::{Judged, Seen, Target, as_bytes, files, text};
use model::Model;
use stage::Stage;

pub(crate) static TARGET: Target = Target {
    name: "steps",
    tokens: &[
        "call 1\n",
        "call 2\n",
        "text 1 hi\n",
        "text 1 Ada\n",
        "text 2 \n",
        "press 1 1\n",
        "press 1 2\n",
        "press 1 9\n",
        "press 2 1\n",
        "say 1 yes\n",
        "go 1\n",
        "go 2\n",
        "repeat 1\n",
        "repeat 2\n",
        "stale 1\n",
        "stale 2\n",
        "guess 1\n",
        "cross 1 2\n",
        "hangup 1\n",
        "hangup 2\n",
        "status 1 failed\n",
        "status 1 delivered\n",
        "return 1\n",
        "function json\n",
        "function twiml\n",
        "function 404\n",
        "function broken\n",
        "function empty\n",
        "wait 0\n",
        "wait 60\n",
        "wait 4000\n",
        "wait 99999\n",
        "outcome 1 busy\n",
        "outcome 1 completed\n",
        "hotline\n",
        "survey\n",
        "subflow-parent\n",
    ],
    seeds,
    grow: as_bytes,
    judge,
};

/// As many things happen with one input.
const LINES_MAX: usize = 40;

/// Each flow with a call and a message, all that can happen in a row.
fn seeds() -> Vec<Vec<u8>> {
    let names = [files("tests/flows", ".json"), files("tests/flows/limits", ".json")].concat();
    let script = "call 1\ngo 1\npress 1 1\nrepeat 1\nstale 1\ngo 1\nhangup 1\ntext 1 hi\n\
                  text 1 Ada\nrepeat 1\nwait 4000\nreturn 1\ncall 2\ncross 1 2\n";
    let seed = |(path, _): (std::path::PathBuf, Vec<u8>)| {
        let name = path.file_stem()?.to_string_lossy().into_owned();
        Some(format!("{name}\n{script}").into_bytes())
    };
    names.into_iter().filter_map(seed).collect()
}

thread_local! {
    /// One runtime and its flows, for all inputs.
    static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
}

fn judge(input: &[u8]) -> Judged {
    let text = text(input);
    let mut lines = text.lines();
    let flow = lines.next().unwrap_or_default();
    STAGE.with_borrow_mut(|stage| {
        let stage = stage.get_or_insert_with(Stage::new);
        let mut seen = Seen::default();
        stage.play(flow, async |play| {
            let mut model = Model::new(play);
            for line in lines.take(LINES_MAX) {
                model.happens(line, &mut seen).await?;
            }
            Ok(())
        })?;
        Ok(seen)
    })
}
