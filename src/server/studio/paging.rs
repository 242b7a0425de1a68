//! Pages of lists: the parameters of a request, and the links in an answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RestError, RestRequest};
use crate::limits::{STUDIO_PAGE_MAX, STUDIO_PAGE_SIZE, STUDIO_PAGE_SIZE_MAX};
use crate::session::StoreError;
use crate::webhook::Params;

/// The position of the last item on the page before. `None`: the list begins.
pub(super) type After = Option<(Duration, String)>;

/// The page that a request asks for.
pub(super) struct Paging {
    number: usize,
    size: usize,
    token: After,
}

/// A list as a resource: its URL, and the key of its items in the JSON.
pub(super) struct ListResource<'a> {
    pub(super) url: &'a str,
    pub(super) key: &'a str,
}

// === impl Paging ===

impl Paging {
    /// Reads the parameters of a query.
    pub(super) fn read(query: &Params) -> Result<Paging, RestError> {
        let number = read_number(query, "Page", 0)?;
        let size = read_number(query, "PageSize", STUDIO_PAGE_SIZE)?;
        if size == 0 {
            return Err(invalid("PageSize", "a number from 1 to 1000"));
        }
        if number > STUDIO_PAGE_MAX {
            // Each page before it costs a query.
            return Err(invalid("Page", "a smaller number"));
        }
        let token = query.get("PageToken").filter(|token| !token.is_empty());
        let token = token.map(|token| read_token(token).ok_or_else(|| invalid("PageToken", "one")));
        // Twilio also answers with the largest page, and not with an error.
        let size = size.min(STUDIO_PAGE_SIZE_MAX);
        Ok(Paging { number, size, token: token.transpose()? })
    }

    /// Fetches the items of the page, and the position of the last one if there are more pages.
    /// `fetch` takes a position and a limit, `position` gives that of an item.
    pub(super) async fn fill<T>(
        &self,
        fetch: impl AsyncFn(After, usize) -> Result<Vec<T>, StoreError>,
        position: impl Fn(&T) -> (Duration, String),
    ) -> Result<(Vec<T>, After), StoreError> {
        // With a token the page begins at its position. With a number alone, the pages before it
        // are skipped one by one.
        let (mut after, mut skip) = match &self.token {
            Some(after) => (Some(after.clone()), 0),
            None => (None, self.number),
        };
        let mut found = loop {
            // One more than the page shows whether there is another.
            let found = fetch(after, self.size + 1).await?;
            if skip == 0 {
                break found;
            }
            if found.len() <= self.size {
                break Vec::new();
            }
            skip -= 1;
            after = found.get(self.size - 1).map(&position);
        };
        let more = found.len() > self.size;
        found.truncate(self.size);
        let next = found.last().filter(|_| more).map(position);
        Ok((found, next))
    }

    /// The JSON of a page, with links. `next` is the position of the last item if there are more.
    pub(super) fn page(
        &self,
        call: &RestRequest<'_>,
        list: ListResource<'_>,
        items: Vec<Value>,
        next: After,
    ) -> Value {
        let url = |page: usize, after: &After| {
            // The filters of the list belong to each of its pages.
            let mut query = Params::default();
            for name in ["DateCreatedFrom", "DateCreatedTo"] {
                if let Some(value) = call.query.get(name) {
                    query.push(name, value);
                }
            }
            query.push("PageSize", &self.size.to_string());
            query.push("Page", &page.to_string());
            if let Some((at, sid)) = after {
                query.push("PageToken", &format!("PA{:x}.{sid}", at.as_nanos()));
            }
            format!("{}?{}", list.url, query.encode())
        };
        let next_page = next.is_some().then(|| url(self.number + 1, &next));
        // Only by number: a token leads forwards.
        let previous = self.number.checked_sub(1).map(|number| url(number, &None));
        let meta = json!({
            "page": self.number,
            "page_size": self.size,
            "first_page_url": url(0, &None),
            "previous_page_url": previous,
            "url": url(self.number, &self.token),
            "next_page_url": next_page,
            "key": list.key,
        });
        json!({list.key: items, "meta": meta})
    }
}

fn read_number(query: &Params, name: &str, default: usize) -> Result<usize, RestError> {
    match query.get(name) {
        Some(text) => text.parse().map_err(|_| invalid(name, "a number")),
        None => Ok(default),
    }
}

fn read_token(token: &str) -> Option<(Duration, String)> {
    let (nanos, sid) = token.strip_prefix("PA")?.split_once('.')?;
    let nanos = u64::from_str_radix(nanos, 16).ok()?;
    Some((Duration::from_nanos(nanos), sid.to_owned()))
}

/// The error for a parameter with an invalid value.
pub(super) fn invalid(name: &str, expected: &str) -> RestError {
    RestError::new(400, 20001, &format!("Invalid {name}: expected {expected}"))
}
