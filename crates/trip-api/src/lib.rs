//! The catalogue of served methods. It lists; each module declares one method.

/// Expands `$consumer! { stem, stem, … }` over every method, so that a consumer (dispatch, documents,
/// coverage) that forgets one does not compile.
#[macro_export]
macro_rules! catalogue {
    ($consumer:ident) => {
        $consumer! {
            alibaba_happytrip_flight_order_itinerary_postback,
            alitrip_btrip_flight_distribution_change_detail,
            alitrip_btrip_flight_distribution_order_cancel,
            alitrip_btrip_supplychain_train_callback_refund,
            alitrip_rentcar_btb_order_cancelcheck,
            taobao_appip_get,
            taobao_time_get,
            taobao_top_auth_token_create,
            taobao_top_auth_token_refresh,
        }
    };
}

macro_rules! modules {
    ($($stem:ident,)*) => {
        $(pub mod $stem;)*

        /// Every method's declaration, in the order of the catalogue.
        pub const SPECS: &[&top::Spec] = &[$(&<$stem::Request as top::Method>::SPEC),*];
    };
}
catalogue!(modules);
