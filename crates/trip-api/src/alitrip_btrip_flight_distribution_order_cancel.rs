//! `alitrip.btrip.flight.distribution.order.cancel`

use top::{Date, Id, Label, Method, Needed, Session, Wire, label};

/// Which order to cancel.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {
    /// 系统自动生成
    ///
    /// What to cancel. Optional on the page though its members are required: absent is answered 40.
    pub param_btrip_flight_order_operate_common_rq: Needed<BtripFlightCancelOrderRq>,
}

/// An order named by its distributor.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct BtripFlightCancelOrderRq {
    /// 子渠道例如corpId
    ///
    /// Sub-channel, normally the corporation's id.
    #[top(example = "corp001")]
    pub sub_channel: Id,
    /// 外部订单号
    ///
    /// The distributor's own order number.
    #[top(example = "test0087771")]
    pub dis_order_id: Id,
}

/// What became of the order.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// 响应信息
    ///
    /// The business answer.
    pub result: HisvResult,
}

/// The flight family's envelope around a cancellation.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct HisvResult {
    /// 取消订单响应结果
    ///
    /// What became of the order; absent when there is no such order for this caller.
    pub module: Option<BtripFlightCancelOrderRs>,
    /// 响应代码
    ///
    /// 0 when the order is cancelled, otherwise why not.
    #[top(example = "1001")]
    pub result_code: i64,
    /// 响应结果
    ///
    /// The code in words.
    #[top(example = "取消失败")]
    pub result_msg: String,
    /// 结果状态
    ///
    /// Whether the order is cancelled.
    #[top(example = "true")]
    pub success: bool,
}

/// The order after the call.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct BtripFlightCancelOrderRs {
    /// 取消时间
    ///
    /// When the order was cancelled; never changes again. Absent when it was not.
    #[top(example = "2021-08-01 09:00:00")]
    pub cancel_time: Option<Date>,
    /// 失败类型
    ///
    /// Why the order was not cancelled.
    #[top(example = "1001")]
    pub fail_code: Option<String>,
    /// 失败原因
    ///
    /// The same in words.
    #[top(example = "已出票不可取消")]
    pub fail_reason: Option<String>,
    /// 订单状态
    ///
    /// The order's status code.
    #[top(example = "5")]
    pub order_status: Option<String>,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "alitrip.btrip.flight.distribution.order.cancel";
    const TITLE: Label = label("商旅机票分销-取消订单", "Cancel a distributed flight order");
    const SESSION: Session = Session::Required;
}
