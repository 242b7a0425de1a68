//! `for` and `tablerow`.

use std::cell::Cell;
use std::fmt::Write as _;
use std::rc::Rc;

use super::super::data::TemplateData;
use super::super::error::{ErrorCause, LiquidError, LiquidErrorKind, Span};
use super::super::number::{parse_leading_integer, require_integer};
use super::super::tree::{Expression, ForTag, LoopOffset};
use super::super::value::{LiquidValue, LoopDrop, table_position};
use super::{Interrupt, RenderResult, TemplateRenderer};

/// The part of a collection that a loop iterates. Items are fetched one by one, so that a range is
/// never built.
struct LoopItems<'a> {
    collection: LiquidValue<'a>,
    from: usize,
    length: usize,
    reversed: bool,
}

impl<'a> TemplateRenderer<'a> {
    pub(super) fn render_for(&mut self, node: &'a ForTag, out: &mut String) -> RenderResult {
        match &node.columns {
            Some(columns) => self.render_table(node, columns.as_ref(), out),
            None => self.render_loop(node, out),
        }
    }

    fn render_loop(&mut self, node: &'a ForTag, out: &mut String) -> RenderResult {
        let items = self.select_items(node)?;
        if items.length == 0 {
            return match &node.otherwise {
                Some(otherwise) => self.render_block(otherwise, out, node.span),
                None => Ok(()),
            };
        }
        // `forloop.parentloop` is the loop around this one.
        let outer = self.scope.parent.take();
        let state = Rc::new(LoopDrop {
            name: &node.name,
            length: items.length,
            index: Cell::new(0),
            parent: outer.clone(),
            columns: None,
        });
        let mark = self.scope.mark();
        self.scope.parent = Some(Rc::clone(&state));
        self.scope.push("forloop", LiquidValue::Loop(Rc::clone(&state)));
        // Last, so that each iteration replaces the top of the scope.
        self.scope.push(node.variable.slice(&self.tree.source.text), LiquidValue::Nil);
        let done = self.render_iterations(node, &items, &state, out);
        self.scope.truncate_to(mark);
        self.scope.parent = outer;
        done
    }

    fn render_iterations(
        &mut self,
        node: &'a ForTag,
        items: &LoopItems<'a>,
        state: &LoopDrop<'a>,
        out: &mut String,
    ) -> RenderResult {
        for index in 0..items.length {
            self.context.budget.charge_steps(1).map_err(|cause| self.error_at(cause, node.span))?;
            state.index.set(index);
            self.scope.replace_top(items.at(index));
            self.render_block(&node.body, out, node.span)?;
            if self.interrupt.take() == Some(Interrupt::Break) {
                break;
            }
        }
        Ok(())
    }

    fn render_table(
        &mut self,
        node: &'a ForTag,
        columns: Option<&'a Expression>,
        out: &mut String,
    ) -> RenderResult {
        let collection = self.evaluate(&node.collection, node.span)?;
        if !collection.is_truthy() {
            return Ok(());
        }
        let items = self.select_items(node)?;
        let columns = match columns {
            Some(columns) => self.evaluate_lax_integer(columns, node)?,
            None => items.length as i128,
        };
        let state = Rc::new(LoopDrop {
            name: &node.name,
            length: items.length,
            index: Cell::new(0),
            parent: None,
            columns: Some(columns),
        });
        let mark = self.scope.mark();
        self.scope.push("tablerowloop", LiquidValue::Loop(Rc::clone(&state)));
        self.scope.push(node.variable.slice(&self.tree.source.text), LiquidValue::Nil);
        // Written even for an empty table, as Ruby does.
        self.write_markup("<tr class=\"row1\">\n", out, node)?;
        let done = self.render_cells(node, &items, &state, out);
        self.scope.truncate_to(mark);
        done?;
        self.write_markup("</tr>\n", out, node)
    }

    fn render_cells(
        &mut self,
        node: &'a ForTag,
        items: &LoopItems<'a>,
        state: &LoopDrop<'a>,
        out: &mut String,
    ) -> RenderResult {
        let columns = state.columns.unwrap_or_default();
        for index in 0..items.length {
            self.context.budget.charge_steps(1).map_err(|cause| self.error_at(cause, node.span))?;
            state.index.set(index);
            self.scope.replace_top(items.at(index));
            let (row, column) = table_position(index as i128, columns);
            self.write_markup(&format!("<td class=\"col{}\">", column + 1), out, node)?;
            self.render_block(&node.body, out, node.span)?;
            self.write_markup("</td>", out, node)?;
            if self.interrupt.take() == Some(Interrupt::Break) {
                break;
            }
            if column + 1 == columns && index + 1 < items.length {
                let mut markup = String::new();
                // Writing to a string cannot fail.
                let _ = write!(markup, "</tr>\n<tr class=\"row{}\">", row + 2);
                self.write_markup(&markup, out, node)?;
            }
        }
        Ok(())
    }

    fn write_markup(&mut self, markup: &str, out: &mut String, node: &ForTag) -> RenderResult {
        self.charge_output(markup.len(), node.span)?;
        out.push_str(markup);
        Ok(())
    }

    /// The items of a loop, by its collection, offset and limit.
    fn select_items(&mut self, node: &'a ForTag) -> Result<LoopItems<'a>, LiquidError> {
        let collection = self.evaluate(&node.collection, node.span)?;
        let is_table = node.columns.is_some();
        let from = match &node.offset {
            LoopOffset::Start => 0,
            LoopOffset::Continue => self.scope.offset(&node.name),
            LoopOffset::At(offset) if is_table => self.evaluate_lax_integer(offset, node)?,
            LoopOffset::At(offset) => self.evaluate_integer(offset, node)?.unwrap_or(0),
        };
        let limit = match &node.limit {
            None => None,
            Some(limit) if is_table => Some(self.evaluate_lax_integer(limit, node)?),
            Some(limit) => self.evaluate_integer(limit, node)?,
        };
        // A text is one item: offset and limit do not apply.
        let whole = collection.as_str().is_some();
        let (collection, length) = self.expand_collection(collection, node)?;
        let total = length as i128;
        let start = if whole { 0 } else { from.clamp(0, total) };
        let end = match limit {
            Some(limit) if !whole => from.saturating_add(limit).clamp(start, total),
            _ => total,
        };
        let mut items = LoopItems {
            collection,
            from: start as usize,
            length: (end - start) as usize,
            reversed: node.reversed,
        };
        self.cut_iterations(&mut items, node);
        // For `offset: continue`, which `tablerow` does not set. After the cut, so that a second
        // loop can render the items that are left.
        if !is_table {
            self.scope.set_offset(&node.name, from.saturating_add(items.length as i128));
        }
        Ok(items)
    }

    /// The collection as values with an index, and their number. An object becomes a list of pairs,
    /// a text one item.
    fn expand_collection(
        &mut self,
        collection: LiquidValue<'a>,
        node: &ForTag,
    ) -> Result<(LiquidValue<'a>, usize), LiquidError> {
        let list = match &collection {
            LiquidValue::Object(data) => self.build_pairs(*data, node.span)?,
            LiquidValue::Array(_) | LiquidValue::List(_) | LiquidValue::Range(..) => collection,
            other => match other.as_str() {
                None | Some("") => LiquidValue::Nil,
                Some(_) => LiquidValue::from_items(vec![collection]),
            },
        };
        let length = list.length().unwrap_or_default();
        Ok((list, length))
    }

    /// The keys and values of an object as a list of pairs.
    pub(super) fn build_pairs(
        &mut self,
        data: &'a dyn TemplateData,
        span: Span,
    ) -> Result<LiquidValue<'a>, LiquidError> {
        let cost = data.len().saturating_mul(size_of::<LiquidValue<'_>>() * 3);
        self.context.budget.charge_bytes(cost).map_err(|cause| self.error_at(cause, span))?;
        Ok(LiquidValue::from_items(LiquidValue::object_pairs(data)))
    }

    /// Reduces a loop that is too long to its first iterations, and reports the first such loop.
    /// `forloop.length` and `forloop.last` are those of the shorter loop, as with `limit`, so that
    /// a separator after each item but the last is not left at the end.
    fn cut_iterations(&mut self, items: &mut LoopItems<'a>, node: &ForTag) {
        let Some(maximum) = self.settings.limits.loop_rounds else { return };
        let (iterations, maximum) = (items.length, maximum as usize);
        if iterations <= maximum {
            return;
        }
        if self.finding.is_none() {
            let detail = format!("a loop of {iterations} iterations ends after {maximum}");
            let cause = ErrorCause::new(LiquidErrorKind::Limit, detail);
            self.finding = Some(self.error_at(cause, node.span));
        }
        // A reversed loop begins with the last item, and so keeps the end of the list.
        if items.reversed {
            items.from += iterations - maximum;
        }
        items.length = maximum;
    }

    /// The whole number of a `for` option, `None` for `nil`; anything else is an error.
    fn evaluate_integer(
        &mut self,
        expression: &'a Expression,
        node: &ForTag,
    ) -> Result<Option<i128>, LiquidError> {
        match self.evaluate(expression, node.span)? {
            LiquidValue::Nil => Ok(None),
            value => {
                require_integer(&value).map(Some).map_err(|cause| self.error_at(cause, node.span))
            }
        }
    }

    /// The whole number of a `tablerow` option; anything else is 0, as in Ruby.
    fn evaluate_lax_integer(
        &mut self,
        expression: &'a Expression,
        node: &ForTag,
    ) -> Result<i128, LiquidError> {
        Ok(match self.evaluate(expression, node.span)? {
            LiquidValue::Int(number) => number,
            LiquidValue::Float(number) => number as i128,
            LiquidValue::Decimal(text) => text.parse::<f64>().unwrap_or_default() as i128,
            value => value.as_str().map_or(0, parse_leading_integer),
        })
    }
}

// === impl LoopItems ===

impl<'a> LoopItems<'a> {
    fn at(&self, index: usize) -> LiquidValue<'a> {
        let index = if self.reversed { self.length - 1 - index } else { index };
        self.collection.item_at(self.from + index)
    }
}
