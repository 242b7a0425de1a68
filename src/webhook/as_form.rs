//! Parameters serialised as the form that they came as: shorter than a list, and in wire order.

use std::sync::Arc;

use serde::de::{Deserialize as _, Deserializer, Error as _};
use serde::ser::Serializer;

use super::Params;

pub(crate) fn serialize<S: Serializer>(
    params: &Arc<Params>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&params.encode())
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Arc<Params>, D::Error> {
    let form = String::deserialize(deserializer)?;
    Params::decode(form.as_bytes()).map(Arc::new).map_err(D::Error::custom)
}
