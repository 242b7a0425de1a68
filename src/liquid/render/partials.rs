//! `include`, which shares the names of its includer, and `render`, which sees nothing of them.

use std::cell::Cell;
use std::mem;
use std::rc::Rc;

use super::super::error::{Error, ErrorKind, Fault};
use super::super::tree::{Include, Tree};
use super::super::value::{Loop, Value};
use super::scope::Scope;
use super::{Done, Render};

impl<'a> Render<'a> {
    pub(super) fn include(&mut self, node: &'a Include, out: &mut String) -> Done {
        if !node.isolated && self.scope.isolated {
            let fault = Fault::operation("`include` cannot be used in a partial of `render`");
            return Err(self.fail(fault, node.span));
        }
        let (name, partial) = self.partial(node)?;
        if self.includes >= self.setting.limits.include_depth {
            let limit = self.setting.limits.include_depth;
            let detail = format!("more than {limit} partials inside one another");
            return Err(self.fail(Fault::new(ErrorKind::Limit, detail), node.span));
        }
        self.includes += 1;
        self.enter(node.span)?;
        let variable = match node.alias {
            Some(alias) => alias.of(&self.tree.origin.source),
            None => name.rsplit('/').next().unwrap_or(name),
        };
        let done = if node.isolated {
            self.isolated(node, (variable, partial), out)
        } else {
            self.shared(node, (variable, partial), out)
        };
        self.depth -= 1;
        self.includes -= 1;
        done
    }

    /// The partial that a tag names, with its name as the engine keeps it.
    fn partial(&mut self, node: &'a Include) -> Result<(&'a str, &'a Tree), Error> {
        let name = self.expression(&node.name, node.span)?;
        let Some(name) = name.as_str() else {
            let fault = Fault::arguments("the name of a partial must be a text");
            return Err(self.fail(fault, node.span));
        };
        self.setting
            .partials
            .get(name)
            .ok_or_else(|| self.fail(self.setting.partials.missing(name), node.span))
    }

    fn shared(
        &mut self,
        node: &'a Include,
        (variable, partial): (&'a str, &'a Tree),
        out: &mut String,
    ) -> Done {
        let bound = match &node.bound {
            Some(bound) => self.expression(&bound.value, node.span)?,
            None => self.scope.variable(variable),
        };
        let mark = self.scope.mark();
        for (key, value) in &node.arguments {
            let value = self.expression(value, node.span)?;
            self.scope.push(key.of(&self.tree.origin.source), value);
        }
        let done = match &bound {
            Value::Array(_) | Value::List(_) => (0..bound.length().unwrap_or_default())
                .try_for_each(|index| {
                    self.env.budget.step(1).map_err(|fault| self.fail(fault, node.span))?;
                    self.scope.push(variable, bound.at(index));
                    let done = self.within(partial, out);
                    self.scope.leave(mark + node.arguments.len());
                    done
                }),
            _ => {
                self.scope.push(variable, bound);
                self.within(partial, out)
            }
        };
        self.scope.leave(mark);
        done
    }

    fn isolated(
        &mut self,
        node: &'a Include,
        (variable, partial): (&'a str, &'a Tree),
        out: &mut String,
    ) -> Done {
        let mut arguments = Vec::with_capacity(node.arguments.len());
        for (key, value) in &node.arguments {
            let value = self.expression(value, node.span)?;
            arguments.push((key.of(&self.tree.origin.source), value));
        }
        let (each, bound) = match &node.bound {
            Some(bound) => (bound.each, self.expression(&bound.value, node.span)?),
            None => (false, Value::Nil),
        };
        let bound = match bound {
            Value::Object(data) if each => self.pairs(data, node.span)?,
            other => other,
        };
        let outer = self.interrupt.take();
        let done = match bound {
            Value::Array(_) | Value::List(_) | Value::Range(..) if each => {
                let length = bound.length().unwrap_or_default();
                let (name, index) = (variable, Cell::new(0));
                let state = Rc::new(Loop { name, length, index, parent: None, columns: None });
                (0..length).try_for_each(|index| {
                    self.env.budget.step(1).map_err(|fault| self.fail(fault, node.span))?;
                    state.index.set(index);
                    let mut scope = arguments_scope(&arguments);
                    scope.assign("forloop", Value::Loop(Rc::clone(&state)));
                    scope.assign(variable, bound.at(index));
                    self.apart(scope, partial, out)
                })
            }
            bound => {
                let mut scope = arguments_scope(&arguments);
                if !bound.is_nil() {
                    scope.assign(variable, bound);
                }
                self.apart(scope, partial, out)
            }
        };
        self.interrupt = outer;
        done
    }

    /// Renders a partial in a scope of its own.
    fn apart(&mut self, scope: Scope<'a>, partial: &'a Tree, out: &mut String) -> Done {
        let outer = mem::replace(&mut self.scope, scope);
        let done = self.within(partial, out);
        self.scope = outer;
        // A `break` that met no loop ends its own partial only.
        self.interrupt = None;
        done
    }

    fn within(&mut self, partial: &'a Tree, out: &mut String) -> Done {
        let outer = mem::replace(&mut self.tree, partial);
        let done = self.nodes(&partial.body, out);
        self.tree = outer;
        done
    }
}

fn arguments_scope<'a>(arguments: &[(&'a str, Value<'a>)]) -> Scope<'a> {
    let mut scope = Scope::new(None);
    scope.isolated = true;
    for (key, value) in arguments {
        scope.assign(key, value.clone());
    }
    scope
}
