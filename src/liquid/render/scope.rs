//! The variables that a template can read, and the state that its tags have between them.

use std::rc::Rc;

use super::super::data::TemplateData;
use super::super::value::{LiquidValue, LoopDrop};

/// The variables and tag states of a template; a partial of `render` has its own.
///
/// Names are searched in lists: a template has a handful, for which a map costs more. The caller
/// charges steps for long lists.
#[derive(Default)]
pub(super) struct RenderScope<'a> {
    /// Loop variables and arguments, inner ones last.
    inner: Vec<(&'a str, LiquidValue<'a>)>,
    /// Variables of `assign` and `capture`.
    assigned: Vec<(&'a str, LiquidValue<'a>)>,
    /// Counters of `increment` and `decrement`.
    counters: Vec<(&'a str, i128)>,
    /// The data given to the render; none for an isolated partial.
    data: Option<&'a dyn TemplateData>,
    /// The `forloop` around the next one.
    pub(super) parent: Option<Rc<LoopDrop<'a>>>,
    /// The position of each cycle.
    cycles: Vec<CycleState<'a>>,
    /// The end of each loop, for `offset: continue`.
    offsets: Vec<(&'a str, i128)>,
    /// The text that the last `ifchanged` rendered.
    last: Option<String>,
    /// Whether this is the scope of a partial that was rendered in isolation.
    pub(super) isolated: bool,
}

struct CycleState<'a> {
    group: LiquidValue<'a>,
    /// Whether the group was named: an unnamed one with the same text is another cycle.
    named: bool,
    turn: usize,
}

// === impl RenderScope ===

impl<'a> RenderScope<'a> {
    pub(super) fn new(data: Option<&'a dyn TemplateData>) -> Self {
        RenderScope { data, ..RenderScope::default() }
    }

    /// The variable of that name; `nil` where there is none.
    pub(super) fn variable(&self, name: &str) -> LiquidValue<'a> {
        // Inner variables hide assigned ones, those hide counters, and all of them hide the data.
        let named = |(key, _): &&(&'a str, LiquidValue<'a>)| *key == name;
        let local = self.inner.iter().rev().find(named);
        if let Some((_, value)) = local.or_else(|| self.assigned.iter().find(named)) {
            return value.clone();
        }
        if let Some((_, count)) = self.counters.iter().find(|(key, _)| *key == name) {
            return LiquidValue::Int(*count);
        }
        self.data.and_then(|data| data.get(name)).map_or(LiquidValue::Nil, LiquidValue::from)
    }

    /// The number of variables and counters of the template.
    pub(super) fn name_count(&self) -> usize {
        self.inner.len() + self.assigned.len() + self.counters.len()
    }

    /// The number of cycles.
    pub(super) fn cycle_count(&self) -> usize {
        self.cycles.len()
    }

    /// Sets a variable for the rest of the template.
    pub(super) fn assign(&mut self, name: &'a str, value: LiquidValue<'a>) {
        match self.assigned.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = value,
            None => self.assigned.push((name, value)),
        }
    }

    /// Sets a variable until [`RenderScope::truncate_to`].
    pub(super) fn push(&mut self, name: &'a str, value: LiquidValue<'a>) {
        self.inner.push((name, value));
    }

    /// A mark to [`RenderScope::truncate_to`] to.
    pub(super) fn mark(&self) -> usize {
        self.inner.len()
    }

    /// Drops the variables that were pushed since the mark.
    pub(super) fn truncate_to(&mut self, mark: usize) {
        self.inner.truncate(mark);
    }

    /// Replaces the value of the variable that was pushed last.
    pub(super) fn replace_top(&mut self, value: LiquidValue<'a>) {
        if let Some((_, top)) = self.inner.last_mut() {
            *top = value;
        }
    }

    /// Increments a counter and returns its value before, or decrements it and returns its value
    /// after. A counter starts at the number of that name in the data, or at 0.
    pub(super) fn step_counter(&mut self, name: &'a str, down: bool) -> i128 {
        let index = match self.counters.iter().position(|(key, _)| *key == name) {
            Some(index) => index,
            None => {
                let start = match self.data.and_then(|data| data.get(name)).map(LiquidValue::from) {
                    Some(LiquidValue::Int(number)) => number,
                    _ => 0,
                };
                self.counters.push((name, start));
                self.counters.len() - 1
            }
        };
        // Saturating: a counter must not panic, and no template counts that far.
        let count = &mut self.counters[index].1;
        let before = *count;
        *count = if down { before.saturating_sub(1) } else { before.saturating_add(1) };
        if down { *count } else { before }
    }

    /// The index of the next of `length` values of a cycle; advances the cycle.
    pub(super) fn next_cycle_index(
        &mut self,
        group: LiquidValue<'a>,
        named: bool,
        length: usize,
    ) -> usize {
        let known =
            |cycle: &&mut CycleState<'a>| cycle.named == named && cycle.group.equals(&group);
        let (turn, next) = match self.cycles.iter_mut().find(known) {
            Some(cycle) => (cycle.turn, &mut cycle.turn),
            None => {
                self.cycles.push(CycleState { group, named, turn: 0 });
                let last = self.cycles.len() - 1;
                (0, &mut self.cycles[last].turn)
            }
        };
        *next = if turn + 1 < length { turn + 1 } else { 0 };
        turn
    }

    /// The end of the last loop of that name.
    pub(super) fn offset(&self, name: &str) -> i128 {
        self.offsets.iter().find(|(key, _)| *key == name).map_or(0, |(_, offset)| *offset)
    }

    /// Records the end of a loop of that name.
    pub(super) fn set_offset(&mut self, name: &'a str, offset: i128) {
        match self.offsets.iter_mut().find(|(key, _)| *key == name) {
            Some((_, old)) => *old = offset,
            None => self.offsets.push((name, offset)),
        }
    }

    /// Records the text of an `ifchanged`; returns whether it differs from the one before.
    pub(super) fn record_ifchanged(&mut self, text: &str) -> bool {
        // Before the first one the last text is empty.
        let changed = self.last.as_deref().unwrap_or_default() != text;
        if changed {
            self.last = Some(text.to_owned());
        }
        changed
    }
}
