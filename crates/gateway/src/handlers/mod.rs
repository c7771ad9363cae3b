//! One module per method: the only place where wire types meet domain types.

pub mod alibaba_happytrip_flight_order_itinerary_postback;
pub mod alitrip_btrip_flight_distribution_change_detail;
pub mod alitrip_btrip_flight_distribution_order_cancel;
pub mod alitrip_btrip_supplychain_train_callback_refund;
pub mod alitrip_rentcar_btb_order_cancelcheck;
pub mod taobao_appip_get;
pub mod taobao_time_get;
pub mod taobao_top_auth_token_create;
pub mod taobao_top_auth_token_refresh;

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use domain::Instant;
use store::{Cause, Key};
use top::Format;

use crate::Context;
use crate::access::Known;

/// Who calls, and when: what the pipeline knows before a handler is asked.
#[derive(Debug)]
pub struct Caller {
    /// The app.
    pub app: Arc<Known>,
    /// The request's id.
    pub request_id: String,
    /// Where the call came from.
    pub address: IpAddr,
    /// The moment of the call: one for the whole request.
    pub now: Instant,
    /// The form of the answer.
    pub format: Format,
    /// Where it may change something, for the call's story; `None` where no stories are kept.
    pub place: Option<OnceLock<Key>>,
}

impl Caller {
    /// Whether the published pages' own examples are let through though they break rules.
    pub fn is_lenient(&self, cx: &Context) -> bool {
        self.app.lenient && !cx.settings.production
    }

    /// Why what is there may change, for the journal; and that it may, for the story of the call.
    pub fn cause_at(&self, key: &Key) -> Cause {
        if let Some(place) = &self.place {
            // The first is what the call is about.
            let _ = place.set(key.clone());
        }
        self.cause()
    }

    /// Why something changes, for the journal.
    pub fn cause(&self) -> Cause {
        Cause { at: self.now, actor: self.app.key.to_string(), request_id: self.request_id.clone() }
    }
}
