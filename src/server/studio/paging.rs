//! Pages: what is asked for, and the links to the others.

use std::time::Duration;

use serde_json::{Value, json};

use super::{RestError, RestRequest};
use crate::limits::{STUDIO_PAGE_MAX, STUDIO_PAGE_SIZE, STUDIO_PAGE_SIZE_MAX};
use crate::session::StoreError;
use crate::webhook::Params;

/// The last one of the page before.
pub(super) type After = Option<(Duration, String)>;

/// A page as it is asked for.
pub(super) struct Paging {
    number: usize,
    size: usize,
    token: After,
}

// === impl Paging ===

impl Paging {
    pub(super) fn read(query: &Params) -> Result<Paging, RestError> {
        let number = number(query, "Page", 0)?;
        let size = self::number(query, "PageSize", STUDIO_PAGE_SIZE)?;
        if size == 0 {
            return Err(wrong("PageSize", "a number from 1 to 1000"));
        }
        if number > STUDIO_PAGE_MAX {
            return Err(wrong("Page", "a smaller number"));
        }
        let token = query.get("PageToken").filter(|token| !token.is_empty());
        let token = token.map(|token| read_token(token).ok_or_else(|| wrong("PageToken", "one")));
        let size = size.min(STUDIO_PAGE_SIZE_MAX);
        Ok(Paging { number, size, token: token.transpose()? })
    }

    /// What stands on the page, and the place of its last one where there are more behind it.
    /// `fetch` gives so many of those that come after a place, `place` says where one is.
    pub(super) async fn fill<T>(
        &self,
        fetch: impl AsyncFn(After, usize) -> Result<Vec<T>, StoreError>,
        place: impl Fn(&T) -> (Duration, String),
    ) -> Result<(Vec<T>, After), StoreError> {
        // A token spares the way over the pages before.
        let (mut after, mut pass_over) = match &self.token {
            Some(after) => (Some(after.clone()), 0),
            None => (None, self.number),
        };
        let mut found = loop {
            let found = fetch(after, self.size + 1).await?;
            if pass_over == 0 {
                break found;
            }
            if found.len() <= self.size {
                break Vec::new();
            }
            pass_over -= 1;
            after = found.get(self.size - 1).map(&place);
        };
        let more = found.len() > self.size;
        found.truncate(self.size);
        let next = found.last().filter(|_| more).map(place);
        Ok((found, next))
    }

    /// The page: at most so many of `found`, the place of the last one that is shown, and links.
    pub(super) fn page(
        &self,
        call: &RestRequest<'_>,
        (path, key): (&str, &str),
        shown: Vec<Value>,
        next: After,
    ) -> Value {
        let url = |page: usize, after: &After| {
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
            format!("{path}?{}", query.encode())
        };
        let next_page = next.is_some().then(|| url(self.number + 1, &next));
        let previous = self.number.checked_sub(1).map(|number| url(number, &None));
        let meta = json!({
            "page": self.number,
            "page_size": self.size,
            "first_page_url": url(0, &None),
            "previous_page_url": previous,
            "url": url(self.number, &self.token),
            "next_page_url": next_page,
            "key": key,
        });
        json!({key: shown, "meta": meta})
    }
}

fn number(query: &Params, name: &str, otherwise: usize) -> Result<usize, RestError> {
    match query.get(name) {
        Some(text) => text.parse().map_err(|_| wrong(name, "a number")),
        None => Ok(otherwise),
    }
}

fn read_token(token: &str) -> Option<(Duration, String)> {
    let (nanos, sid) = token.strip_prefix("PA")?.split_once('.')?;
    let nanos = u64::from_str_radix(nanos, 16).ok()?;
    Some((Duration::from_nanos(nanos), sid.to_owned()))
}

/// A parameter that cannot be read.
pub(super) fn wrong(name: &str, expected: &str) -> RestError {
    RestError::new(400, 20001, &format!("Invalid {name}: expected {expected}"))
}
