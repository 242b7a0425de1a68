//! Rendering: a tree and data become text.

mod evaluate;
mod loops;
mod partials;
mod scope;

use jiff::tz::TimeZone;

use super::data::Data;
use super::error::{Error, ErrorKind, Fault, Span};
use super::filters::Env;
use super::limits::{Budget, Limits};
use super::partials::Partials;
use super::print::print_into;
use super::tree::{Body, Capture, Case, Count, Cycle, If, IfChanged, Node, Print, Tree};
use super::value::Value;
use scope::Scope;

/// What a render needs and never changes.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    pub(super) partials: &'a Partials,
    pub(super) limits: &'a Limits,
    pub(super) clock: Clock<'a>,
    /// Whether output is escaped for XML.
    pub(super) xml: bool,
}

/// The time that a render is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock<'a> {
    /// Unix seconds.
    pub(super) now: i64,
    pub(super) zone: &'a TimeZone,
}

/// The state of one render.
pub(super) struct Render<'a> {
    setting: Setting<'a>,
    /// The source that is rendered now: the template, or a partial.
    tree: &'a Tree,
    env: Env<'a>,
    scope: Scope<'a>,
    /// Bytes that may still be written to the text that is written to now.
    room: usize,
    /// Whether that text is a value, as in a `capture`.
    capturing: bool,
    /// Blocks open here, those of includers among them.
    depth: u32,
    /// Partials open here.
    includes: u32,
    interrupt: Option<Interrupt>,
}

/// Why the nodes that follow are not rendered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interrupt {
    Break,
    Continue,
}

type Done = Result<(), Error>;

// === impl Render ===

impl<'a> Render<'a> {
    pub(super) fn new(setting: Setting<'a>, tree: &'a Tree, data: &'a dyn Data) -> Self {
        let env = Env {
            budget: Budget::new(setting.limits),
            xml: setting.xml,
            now: setting.clock.now,
            zone: setting.clock.zone,
        };
        Render {
            setting,
            tree,
            env,
            scope: Scope::new(Some(data)),
            room: setting.limits.output_bytes,
            capturing: false,
            depth: 0,
            includes: 0,
            interrupt: None,
        }
    }

    /// Renders the whole tree to the end of `out`.
    pub(super) fn template(&mut self, out: &mut String) -> Done {
        self.nodes(&self.tree.body, out)
    }

    /// The value of a template that is one output, its type kept; `None` for any other template.
    pub(super) fn value(&mut self) -> Result<Option<serde_json::Value>, Error> {
        let [Node::Print(print)] = self.tree.body.nodes.as_slice() else { return Ok(None) };
        let value = self.print(print)?;
        super::print::to_json(&value, &mut self.env.budget)
            .map(Some)
            .map_err(|fault| self.fail(fault, print.span))
    }

    /// Renders the body of a block.
    fn block(&mut self, body: &'a Body, out: &mut String, span: Span) -> Done {
        if body.nodes.is_empty() {
            return Ok(());
        }
        self.enter(span)?;
        let done = self.nodes(body, out);
        self.depth -= 1;
        done
    }

    fn enter(&mut self, span: Span) -> Done {
        if self.depth >= self.setting.limits.nesting {
            let limit = self.setting.limits.nesting;
            let detail = format!("more than {limit} blocks inside one another");
            return Err(self.fail(Fault::new(ErrorKind::Limit, detail), span));
        }
        self.depth += 1;
        Ok(())
    }

    fn nodes(&mut self, body: &'a Body, out: &mut String) -> Done {
        for node in &body.nodes {
            if let Err(fault) = self.env.budget.step(1) {
                return Err(self.fail(fault, node.span()));
            }
            match node {
                Node::Text(span) => {
                    let text = span.of(&self.tree.origin.source);
                    self.charge_output(text.len(), *span)?;
                    out.push_str(text);
                }
                Node::Print(print) => self.output(print, out)?,
                _ => {
                    self.tag(node, out)?;
                    if self.interrupt.is_some() {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    fn output(&mut self, print: &'a Print, out: &mut String) -> Done {
        let value = self.print(print)?;
        self.write(&value, out, print.span)
    }

    /// Appends a value as it prints.
    fn write(&mut self, value: &Value<'a>, out: &mut String, span: Span) -> Done {
        let before = out.len();
        print_into(out, value, self.env.xml, &mut self.env.budget)
            .map_err(|fault| self.fail(fault, span))?;
        self.charge_output(out.len() - before, span)
    }

    #[inline]
    fn charge_output(&mut self, bytes: usize, span: Span) -> Done {
        match self.room.checked_sub(bytes) {
            Some(left) => {
                self.room = left;
                Ok(())
            }
            None => Err(self.too_long(span)),
        }
    }

    #[cold]
    fn too_long(&self, span: Span) -> Error {
        let detail = if self.capturing {
            "the values that the template builds are too large".to_owned()
        } else {
            format!("the output is longer than {} bytes", self.setting.limits.output_bytes)
        };
        self.fail(Fault::new(ErrorKind::Limit, detail), span)
    }

    fn tag(&mut self, node: &'a Node, out: &mut String) -> Done {
        match node {
            Node::Text(_) | Node::Print(_) => Ok(()),
            Node::Assign(assign) => {
                let value = self.print(&assign.value)?;
                self.assign(assign.name, value)
            }
            Node::Capture(capture) => self.capture(capture),
            Node::If(node) => self.conditional(node, out),
            Node::Case(case) => self.case(case, out),
            Node::For(node) => self.for_loop(node, out),
            Node::Cycle(cycle) => self.cycle(cycle, out),
            Node::Count(count) => self.count(count, out),
            Node::IfChanged(node) => self.if_changed(node, out),
            Node::Include(include) => self.include(include, out),
            Node::Break(_) => self.interrupted(Interrupt::Break),
            Node::Continue(_) => self.interrupted(Interrupt::Continue),
        }
    }

    fn interrupted(&mut self, interrupt: Interrupt) -> Done {
        self.interrupt = Some(interrupt);
        Ok(())
    }

    fn assign(&mut self, name: Span, value: Value<'a>) -> Done {
        let text = name.of(&self.tree.origin.source);
        let cost = size_of::<Value<'_>>() + size_of::<&str>();
        self.env.budget.build(cost).map_err(|fault| self.fail(fault, name))?;
        self.scope.assign(text, value);
        Ok(())
    }

    fn capture(&mut self, capture: &'a Capture) -> Done {
        let text = self.captured(&capture.body, capture.name)?;
        let value = if self.env.xml { Value::Safe(text.into()) } else { Value::Text(text.into()) };
        self.assign(capture.name, value)
    }

    /// Renders a body to a text of its own, which counts as a value.
    fn captured(&mut self, body: &'a Body, span: Span) -> Result<String, Error> {
        let outer = (self.room, self.capturing);
        if !self.capturing {
            self.room = self.env.budget.value_bytes();
            self.capturing = true;
        }
        let start = self.room;
        let mut text = String::new();
        let done = self.block(body, &mut text, span);
        let used = start - self.room;
        if !outer.1 {
            (self.room, self.capturing) = outer;
        }
        done?;
        self.env.budget.build(used).map_err(|fault| self.fail(fault, span))?;
        Ok(text)
    }

    fn conditional(&mut self, node: &'a If, out: &mut String) -> Done {
        for branch in &node.branches {
            let holds = match &branch.condition {
                Some(condition) => self.holds(condition)? != branch.negated,
                None => true,
            };
            if holds {
                return self.block(&branch.body, out, node.span);
            }
        }
        Ok(())
    }

    /// Renders every `when` whose value fits, once for each, and `else` where none before it did.
    fn case(&mut self, case: &'a Case, out: &mut String) -> Done {
        let value = self.expression(&case.value, case.span)?;
        let mut matched = false;
        for when in &case.whens {
            if when.is_else && !matched {
                self.block(&when.body, out, case.span)?;
            }
            for candidate in &when.values {
                let candidate = self.expression(candidate, case.span)?;
                if self.equal(&value, &candidate, case.span)? {
                    matched = true;
                    self.block(&when.body, out, case.span)?;
                }
                if self.interrupt.is_some() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn cycle(&mut self, cycle: &'a Cycle, out: &mut String) -> Done {
        let key = match &cycle.group {
            Some(group) => self.expression(group, cycle.span)?,
            None => Value::Str(&cycle.text),
        };
        self.charge_scan(self.scope.cycles(), cycle.span)?;
        let turn = self.scope.next_turn(key, cycle.group.is_some(), cycle.values.len());
        match cycle.values.get(turn) {
            Some(expression) => {
                let value = self.expression(expression, cycle.span)?;
                self.write(&value, out, cycle.span)
            }
            None => Ok(()),
        }
    }

    /// Steps for looking through a list of names.
    fn charge_scan(&mut self, length: usize, span: Span) -> Done {
        self.env.budget.step(length as u64 / 8).map_err(|fault| self.fail(fault, span))
    }

    fn count(&mut self, count: &Count, out: &mut String) -> Done {
        let name = count.name.of(&self.tree.origin.source);
        let value = self.scope.count(name, count.down);
        self.assign_cost(count.name)?;
        self.write(&Value::Int(value), out, count.name)
    }

    fn assign_cost(&mut self, name: Span) -> Done {
        self.charge_scan(self.scope.names(), name)
    }

    fn if_changed(&mut self, node: &'a IfChanged, out: &mut String) -> Done {
        let text = self.captured(&node.body, node.span)?;
        if self.scope.changed(&text) {
            self.charge_output(text.len(), node.span)?;
            out.push_str(&text);
        }
        Ok(())
    }

    /// Gives a mistake its place in the source that is rendered now.
    #[cold]
    fn fail(&self, fault: Fault, span: Span) -> Error {
        Error::new(fault, self.tree.origin.clone(), span)
    }
}
