//! The last calls of clients: beside the orders, never part of a change, and gone when newer ones come.

use domain::Instant;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, Place, Store};

/// Most calls deleted in one transaction: other writers wait for it.
const PRUNED_MAX: usize = 1024;

/// A call, as far as lists show it and filters look at it. Nothing in it may be about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// When it came, in milliseconds of the Unix epoch; with the request id, where it stands in the list.
    pub at_ms: i64,
    /// The request's id.
    pub request_id: String,
    /// The app that called, if it is known.
    pub app: Option<String>,
    /// The method that was called, if there is one of this name.
    pub method: Option<String>,
    /// What became of it, in one word of the caller's choice.
    pub outcome: String,
    /// The code and sub-code it was answered with, if it was not served.
    pub code: Option<i64>,
    /// See `code`.
    pub sub_code: Option<String>,
    /// What the method itself said, in a few words.
    pub result: Option<String>,
    /// How long it took, in microseconds.
    pub cost_us: i64,
    /// Where it came from.
    pub address: String,
}

impl Call {
    /// When it came.
    pub fn at(&self) -> Instant {
        Instant::from_millisecond(self.at_ms).unwrap_or(Instant::UNIX_EPOCH)
    }
}

/// Which calls are wanted; what is left out does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calls {
    /// Of this app.
    pub app: Option<String>,
    /// Of this method.
    pub method: Option<String>,
    /// That came to this.
    pub outcome: Option<String>,
    /// That were answered with this sub-code.
    pub sub_code: Option<String>,
    /// That stand after this one in the list: its moment and request id.
    pub after: Option<(i64, String)>,
}

impl Store {
    /// Keeps calls, each with the rest of its story; one that is there already stays as it is.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn put_calls<D: Serialize + Sync>(&self, calls: &[(Call, D)]) -> Result<(), Error> {
        let mut sealed = Vec::with_capacity(calls.len());
        for (call, document) in calls {
            let (document, _) = self.seal(&Place::call(&call.request_id), document)?;
            sealed.push((call.clone(), document));
            // Clients' calls go first.
            tokio::task::yield_now().await;
        }
        self.engine.put_calls(sealed).await
    }

    /// Calls, newest first, at most `limit`.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn calls(&self, wanted: &Calls, limit: usize) -> Result<Vec<Call>, Error> {
        self.engine.calls(wanted, limit).await
    }

    /// The call with this request id, the newest if ever there were two, with its story.
    ///
    /// # Errors
    /// The engine failed or the document does not open.
    pub async fn call<D: DeserializeOwned>(
        &self,
        request_id: &str,
    ) -> Result<Option<(Call, D)>, Error> {
        let Some((call, document)) = self.engine.call(request_id).await? else { return Ok(None) };
        let document = self.open(&Place::call(request_id), &document).await?;
        Ok(Some((call, document)))
    }

    /// Forgets all calls but the newest so many.
    ///
    /// # Errors
    /// The engine failed.
    pub async fn prune_calls(&self, kept: usize) -> Result<(), Error> {
        let Some((at_ms, request_id)) = self.engine.call_beyond(kept).await? else { return Ok(()) };
        while self.engine.drop_calls(at_ms, &request_id, PRUNED_MAX).await? {}
        Ok(())
    }
}

impl<'a> Place<'a> {
    fn call(request_id: &'a str) -> Self {
        Self { kind: "call", owner: "-", id: request_id }
    }
}
