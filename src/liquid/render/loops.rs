//! `for` and `tablerow`.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;

use super::super::data::Data;
use super::super::error::{Error, ErrorKind, Fault, Span};
use super::super::number::{leading_int, whole_of};
use super::super::tree::{Expression, For, Offset};
use super::super::value::{Loop, Value, position};
use super::{Done, Interrupt, Render};

/// The part of a collection that a loop goes through. Items are taken one by one: a range is
/// never built.
struct Items<'a> {
    collection: Value<'a>,
    from: usize,
    length: usize,
    reversed: bool,
}

impl<'a> Render<'a> {
    pub(super) fn for_loop(&mut self, node: &'a For, out: &mut String) -> Done {
        match &node.table {
            Some(columns) => self.table(node, columns.as_ref(), out),
            None => self.rounds(node, out),
        }
    }

    fn rounds(&mut self, node: &'a For, out: &mut String) -> Done {
        let items = self.items(node)?;
        if items.length == 0 {
            return match &node.otherwise {
                Some(otherwise) => self.block(otherwise, out, node.span),
                None => Ok(()),
            };
        }
        let outer = self.scope.parent.take();
        let state = Rc::new(Loop {
            name: &node.name,
            length: items.length,
            index: Cell::new(0),
            parent: outer.clone(),
            columns: None,
        });
        let mark = self.scope.mark();
        self.scope.parent = Some(Rc::clone(&state));
        self.scope.push("forloop", Value::Loop(Rc::clone(&state)));
        self.scope.push(node.variable.of(&self.tree.origin.source), Value::Nil);
        let done = self.each_round(node, &items, &state, out);
        self.scope.leave(mark);
        self.scope.parent = outer;
        done
    }

    fn each_round(
        &mut self,
        node: &'a For,
        items: &Items<'a>,
        state: &Loop<'a>,
        out: &mut String,
    ) -> Done {
        for index in 0..items.length {
            self.env.budget.step(1).map_err(|fault| self.fail(fault, node.span))?;
            state.index.set(index);
            self.scope.replace_top(items.at(index));
            self.block(&node.body, out, node.span)?;
            if self.interrupt.take() == Some(Interrupt::Break) {
                break;
            }
        }
        Ok(())
    }

    fn table(&mut self, node: &'a For, columns: Option<&'a Expression>, out: &mut String) -> Done {
        let collection = self.expression(&node.collection, node.span)?;
        if !collection.is_truthy() {
            return Ok(());
        }
        let items = self.items(node)?;
        let columns = match columns {
            Some(columns) => self.loose_int(columns, node)?,
            None => items.length as i128,
        };
        let state = Rc::new(Loop {
            name: &node.name,
            length: items.length,
            index: Cell::new(0),
            parent: None,
            columns: Some(columns),
        });
        let mark = self.scope.mark();
        self.scope.push("tablerowloop", Value::Loop(Rc::clone(&state)));
        self.scope.push(node.variable.of(&self.tree.origin.source), Value::Nil);
        self.markup("<tr class=\"row1\">\n", out, node)?;
        let done = self.cells(node, &items, &state, out);
        self.scope.leave(mark);
        done?;
        self.markup("</tr>\n", out, node)
    }

    fn cells(
        &mut self,
        node: &'a For,
        items: &Items<'a>,
        state: &Loop<'a>,
        out: &mut String,
    ) -> Done {
        let columns = state.columns.unwrap_or_default();
        for index in 0..items.length {
            self.env.budget.step(1).map_err(|fault| self.fail(fault, node.span))?;
            state.index.set(index);
            self.scope.replace_top(items.at(index));
            let (row, column) = position(index as i128, columns);
            self.markup(&format!("<td class=\"col{}\">", column + 1), out, node)?;
            self.block(&node.body, out, node.span)?;
            self.markup("</td>", out, node)?;
            if self.interrupt.take() == Some(Interrupt::Break) {
                break;
            }
            if column + 1 == columns && index + 1 < items.length {
                let mut markup = String::new();
                // Writing to a string cannot fail.
                let _ = write!(markup, "</tr>\n<tr class=\"row{}\">", row + 2);
                self.markup(&markup, out, node)?;
            }
        }
        Ok(())
    }

    fn markup(&mut self, markup: &str, out: &mut String, node: &For) -> Done {
        self.charge_output(markup.len(), node.span)?;
        out.push_str(markup);
        Ok(())
    }

    /// The items of a loop, by its collection, offset and limit.
    fn items(&mut self, node: &'a For) -> Result<Items<'a>, Error> {
        let collection = self.expression(&node.collection, node.span)?;
        let is_table = node.table.is_some();
        let from = match &node.offset {
            Offset::Start => 0,
            Offset::Continue => self.scope.offset(&node.name),
            Offset::At(offset) if is_table => self.loose_int(offset, node)?,
            Offset::At(offset) => self.strict_int(offset, node)?.unwrap_or(0),
        };
        let limit = match &node.limit {
            None => None,
            Some(limit) if is_table => Some(self.loose_int(limit, node)?),
            Some(limit) => self.strict_int(limit, node)?,
        };
        // A text is one item, whatever part of it is asked for.
        let whole = collection.as_str().is_some();
        let (collection, length) = self.collection(collection, node)?;
        let total = length as i128;
        let start = if whole { 0 } else { from.clamp(0, total) };
        let end = match limit {
            Some(limit) if !whole => from.saturating_add(limit).clamp(start, total),
            _ => total,
        };
        let items = Items {
            collection,
            from: start as usize,
            length: (end - start) as usize,
            reversed: node.reversed,
        };
        if !is_table {
            self.scope.set_offset(&node.name, from.saturating_add(end - start));
        }
        self.check_rounds(items.length, node)?;
        Ok(items)
    }

    /// What can be gone through by index. An object is a list of pairs, a text one item.
    fn collection(
        &mut self,
        collection: Value<'a>,
        node: &For,
    ) -> Result<(Value<'a>, usize), Error> {
        let list = match &collection {
            Value::Object(data) => self.pairs(*data, node.span)?,
            Value::Array(_) | Value::List(_) | Value::Range(..) => collection,
            other => match other.as_str() {
                None | Some("") => Value::Nil,
                Some(_) => Value::list(vec![collection]),
            },
        };
        let length = list.length().unwrap_or_default();
        Ok((list, length))
    }

    /// The keys and values of an object as a list of pairs.
    pub(super) fn pairs(&mut self, data: &'a dyn Data, span: Span) -> Result<Value<'a>, Error> {
        let cost = data.len().saturating_mul(size_of::<Value<'_>>() * 3);
        self.env.budget.build(cost).map_err(|fault| self.fail(fault, span))?;
        Ok(Value::list(Value::pairs(data)))
    }

    fn check_rounds(&self, rounds: usize, node: &For) -> Done {
        match self.setting.limits.loop_rounds {
            Some(most) if rounds > most as usize => {
                let detail = format!("a loop of {rounds} rounds, where {most} are allowed");
                Err(self.fail(Fault::new(ErrorKind::Limit, detail), node.span))
            }
            _ => Ok(()),
        }
    }

    /// A whole number, or nothing for `nil`.
    fn strict_int(
        &mut self,
        expression: &'a Expression,
        node: &For,
    ) -> Result<Option<i128>, Error> {
        match self.expression(expression, node.span)? {
            Value::Nil => Ok(None),
            value => whole_of(&value).map(Some).map_err(|fault| self.fail(fault, node.span)),
        }
    }

    /// A whole number, whatever it takes: what is none counts as 0.
    fn loose_int(&mut self, expression: &'a Expression, node: &For) -> Result<i128, Error> {
        Ok(match self.expression(expression, node.span)? {
            Value::Int(number) => number,
            Value::Float(number) => number as i128,
            value => value.as_str().map_or(0, leading_int),
        })
    }
}

// === impl Items ===

impl<'a> Items<'a> {
    fn at(&self, index: usize) -> Value<'a> {
        let index = if self.reversed { self.length - 1 - index } else { index };
        self.collection.at(self.from + index)
    }
}
