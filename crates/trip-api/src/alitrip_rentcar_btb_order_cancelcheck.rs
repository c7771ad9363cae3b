//! `alitrip.rentcar.btb.order.cancelcheck`

use top::{Id, Json, JsonText, Label, Method, Needed, Session, Wire, Yuan, label};

/// Which rental to quote for.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {
    /// 入参
    ///
    /// What to quote. Optional on the page though its members are required: absent is answered 40.
    pub rent_car_b2b_check_cancel_order_req: Needed<RentCarB2bCheckCancelOrderReq>,
}

/// A rental named by both sides.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct RentCarB2bCheckCancelOrderReq {
    /// traceId,用于追踪问题
    ///
    /// The distributor's own trace of this call; it goes to the log.
    #[top(example = "2147b30d16692118671772754ed701")]
    pub trace_id: Option<String>,
    /// 平台订单id
    ///
    /// The platform's order number.
    #[top(example = "fz1234567")]
    pub order_id: Id,
    /// 外部订单ID(分销商)
    ///
    /// The distributor's own order number.
    #[top(example = "gaode123456")]
    pub out_order_id: Id,
    /// 扩展字段
    ///
    /// Whatever the distributor adds, as JSON text.
    #[top(example = "{\"key\":\"value\"}")]
    pub exts: Option<JsonText>,
    /// 渠道ID
    ///
    /// The distribution channel.
    #[top(example = "80001")]
    pub channel_id: Id,
}

/// The quote, or why there is none.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// 取消原因
    ///
    /// What the fee is for, in one sentence.
    #[top(example = "行程改变,取消后重新租车")]
    pub cancel_message: Option<String>,
    /// 是否成功
    ///
    /// Whether there is a quote.
    #[top(example = "true")]
    pub successful: bool,
    /// 错误码
    ///
    /// 0 with a quote, otherwise why there is none.
    #[top(example = "1001")]
    pub ret_code: String,
    /// 收取用户的取消费用(取消订单产生的违约金),单位元
    ///
    /// The fee in yuan with two decimals; absent when there is no quote.
    #[top(example = "0.00")]
    pub cancel_fee: Option<Yuan>,
    /// 响应扩展字段
    ///
    /// The quote's id, expiry, base, tier and percentage.
    #[top(example = "{\"key\":\"value\"}")]
    pub exts: Option<Json>,
    /// 错误信息
    ///
    /// The code in words.
    #[top(example = "查询失败")]
    pub ret_msg: String,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "alitrip.rentcar.btb.order.cancelcheck";
    const TITLE: Label = label("租车分销查询取消费", "Quote the fee for cancelling a rental");
    const SESSION: Session = Session::NotRequired;
    // It reads.
    const IDEMPOTENT: bool = true;
}
