//! The schema: made where it is missing, and refused where it is of a later version.

use tokio_postgres::{Client, Error};

use super::statement_error::StatementError;

/// The form of this version. Functions have it in their names, so that the program of another
/// version can go on with its own while this one starts.
const FORM: i32 = 1;

const SCHEMA: &str = include_str!("schema.sql");

/// Why the schema cannot be used.
pub(super) enum SchemaError {
    /// Its form is not known to this version.
    Unknown(String),
    /// The database says so.
    Failed(StatementError),
}

impl From<Error> for SchemaError {
    fn from(error: Error) -> SchemaError {
        SchemaError::Failed(error.into())
    }
}

/// Makes the schema if it is missing, and checks its form.
pub(super) async fn prepare(client: &mut Client, schema: &str) -> Result<(), SchemaError> {
    if find_least(client, schema).await?.is_none() {
        let transaction = client.transaction().await?;
        // Of several gateways that start at once, one makes it.
        let lock = format!(
            "SET LOCAL lock_timeout = '10s'; \
             SELECT pg_advisory_xact_lock(20559, hashtext('{schema}'))"
        );
        transaction.batch_execute(&lock).await?;
        let sql = format!("SELECT to_regclass('{schema}.form') IS NULL");
        if transaction.query_one(&sql, &[]).await?.get::<_, bool>(0) {
            let script = SCHEMA.replace("{schema}", schema);
            let script = format!("CREATE SCHEMA IF NOT EXISTS {schema};\n{script}");
            transaction.batch_execute(&script).await?;
        }
        transaction.commit().await?;
    }
    match find_least(client, schema).await? {
        Some(least) if least > FORM => Err(SchemaError::Unknown(format!(
            "the schema `{schema}` needs form {least}, and this version knows {FORM}: run the \
             version that made it"
        ))),
        _ => Ok(()),
    }
}

/// The least form that a program must know; `None` where there is no schema.
async fn find_least(client: &Client, schema: &str) -> Result<Option<i32>, Error> {
    let exists = format!("SELECT to_regclass('{schema}.form') IS NOT NULL");
    if !client.query_one(&exists, &[]).await?.get::<_, bool>(0) {
        return Ok(None);
    }
    let row = client.query_one(&format!("SELECT least FROM {schema}.form"), &[]).await?;
    Ok(Some(row.get(0)))
}
