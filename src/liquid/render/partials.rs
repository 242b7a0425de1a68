//! `include`, whose partial shares the variables of its includer, and `render`, whose partial is
//! isolated from them.

use std::cell::Cell;
use std::mem;
use std::rc::Rc;

use super::super::error::{ErrorCause, LiquidError, LiquidErrorKind};
use super::super::partials::bound_variable;
use super::super::tree::{IncludeTag, SyntaxTree};
use super::super::value::{LiquidValue, LoopDrop};
use super::scope::RenderScope;
use super::{RenderResult, TemplateRenderer};

/// A partial, and the variable in it that is bound to the object of its tag.
#[derive(Clone, Copy)]
struct BoundPartial<'a> {
    variable: &'a str,
    tree: &'a SyntaxTree,
}

impl<'a> TemplateRenderer<'a> {
    pub(super) fn render_include(
        &mut self,
        node: &'a IncludeTag,
        out: &mut String,
    ) -> RenderResult {
        if !node.isolated && self.scope.isolated {
            let cause = ErrorCause::operation("`include` cannot be used in a partial of `render`");
            return Err(self.error_at(cause, node.span));
        }
        let (name, tree) = self.find_partial(node)?;
        // Checked apart from blocks: a partial that includes itself is the common mistake.
        if self.includes >= self.settings.limits.include_depth {
            let limit = self.settings.limits.include_depth;
            let detail = format!("more than {limit} nested partials");
            return Err(self.error_at(ErrorCause::new(LiquidErrorKind::Limit, detail), node.span));
        }
        self.includes += 1;
        self.enter_block(node.span)?;
        let variable = match node.alias {
            Some(alias) => alias.slice(&self.tree.source.text),
            None => bound_variable(name),
        };
        let partial = BoundPartial { variable, tree };
        let done = if node.isolated {
            self.render_isolated(node, partial, out)
        } else {
            self.render_shared(node, partial, out)
        };
        self.depth -= 1;
        self.includes -= 1;
        done
    }

    /// The partial that a tag names, with its name as the engine owns it.
    fn find_partial(
        &mut self,
        node: &'a IncludeTag,
    ) -> Result<(&'a str, &'a SyntaxTree), LiquidError> {
        let name = self.evaluate(&node.name, node.span)?;
        let Some(name) = name.as_str() else {
            let cause = ErrorCause::arguments("the name of a partial must be a text");
            return Err(self.error_at(cause, node.span));
        };
        self.settings
            .partials
            .get(name)
            .ok_or_else(|| self.error_at(self.settings.partials.missing_error(name), node.span))
    }

    fn render_shared(
        &mut self,
        node: &'a IncludeTag,
        partial: BoundPartial<'a>,
        out: &mut String,
    ) -> RenderResult {
        // Evaluated before the arguments, which may hide the variable.
        let bound = match &node.bound {
            Some(bound) => self.evaluate(&bound.value, node.span)?,
            None => self.scope.variable(partial.variable),
        };
        let mark = self.scope.mark();
        for (key, value) in &node.arguments {
            let value = self.evaluate(value, node.span)?;
            self.scope.push(key.slice(&self.tree.source.text), value);
        }
        let done = match &bound {
            LiquidValue::Array(_) | LiquidValue::List(_) => (0..bound.length().unwrap_or_default())
                .try_for_each(|index| {
                    self.context
                        .budget
                        .charge_steps(1)
                        .map_err(|cause| self.error_at(cause, node.span))?;
                    self.scope.push(partial.variable, bound.item_at(index));
                    let done = self.render_tree(partial.tree, out);
                    self.scope.truncate_to(mark + node.arguments.len());
                    done
                }),
            _ => {
                self.scope.push(partial.variable, bound);
                self.render_tree(partial.tree, out)
            }
        };
        self.scope.truncate_to(mark);
        done
    }

    fn render_isolated(
        &mut self,
        node: &'a IncludeTag,
        partial: BoundPartial<'a>,
        out: &mut String,
    ) -> RenderResult {
        let mut arguments = Vec::with_capacity(node.arguments.len());
        for (key, value) in &node.arguments {
            let value = self.evaluate(value, node.span)?;
            arguments.push((key.slice(&self.tree.source.text), value));
        }
        let (each, bound) = match &node.bound {
            Some(bound) => (bound.each, self.evaluate(&bound.value, node.span)?),
            None => (false, LiquidValue::Nil),
        };
        let bound = match bound {
            LiquidValue::Object(data) if each => self.build_pairs(data, node.span)?,
            other => other,
        };
        // A `break` inside must not end a loop outside.
        let outer = self.interrupt.take();
        let done = match bound {
            LiquidValue::Array(_) | LiquidValue::List(_) | LiquidValue::Range(..) if each => {
                let length = bound.length().unwrap_or_default();
                let (name, index) = (partial.variable, Cell::new(0));
                let state = Rc::new(LoopDrop { name, length, index, parent: None, columns: None });
                (0..length).try_for_each(|index| {
                    self.context
                        .budget
                        .charge_steps(1)
                        .map_err(|cause| self.error_at(cause, node.span))?;
                    state.index.set(index);
                    let mut scope = isolated_scope(&arguments);
                    scope.assign("forloop", LiquidValue::Loop(Rc::clone(&state)));
                    scope.assign(partial.variable, bound.item_at(index));
                    self.render_in_scope(scope, partial.tree, out)
                })
            }
            bound => {
                let mut scope = isolated_scope(&arguments);
                if !bound.is_nil() {
                    scope.assign(partial.variable, bound);
                }
                self.render_in_scope(scope, partial.tree, out)
            }
        };
        self.interrupt = outer;
        done
    }

    /// Renders a partial in a scope of its own.
    fn render_in_scope(
        &mut self,
        scope: RenderScope<'a>,
        partial: &'a SyntaxTree,
        out: &mut String,
    ) -> RenderResult {
        let outer = mem::replace(&mut self.scope, scope);
        let done = self.render_tree(partial, out);
        self.scope = outer;
        // A `break` that met no loop ends its own partial only.
        self.interrupt = None;
        done
    }

    fn render_tree(&mut self, partial: &'a SyntaxTree, out: &mut String) -> RenderResult {
        let outer = mem::replace(&mut self.tree, partial);
        let done = self.render_nodes(&partial.body, out);
        self.tree = outer;
        done
    }
}

fn isolated_scope<'a>(arguments: &[(&'a str, LiquidValue<'a>)]) -> RenderScope<'a> {
    let mut scope = RenderScope::new(None);
    scope.isolated = true;
    for (key, value) in arguments {
        scope.assign(key, value.clone());
    }
    scope
}
