//! `alibaba.happytrip.flight.order.itinerary.postback`

use top::{Id, Label, Masked, Method, Needed, Session, Wire, label};

/// Which receipts were issued.
///
/// There is no session on this method: the app key alone says who the supplier is, so what the app
/// is entitled to and which CWT accounts are bound to it decide.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {
    /// request
    ///
    /// What was issued. Optional on the page though its members are required: absent is answered 40.
    pub flight_itinerary_request: Needed<FlightItineraryRequest>,
}

/// Itinerary receipts of one order.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct FlightItineraryRequest {
    /// 订单号
    ///
    /// The supplier's own order number.
    #[top(example = "123421342134")]
    pub out_relation_order_id: Id,
    /// 差旅单号
    ///
    /// The travel request the order was made for.
    #[top(example = "3021342134")]
    pub tes_head_id: Id,
    /// 票号
    ///
    /// The tickets whose receipts were issued: 13 digits, with or without a hyphen or blank after the
    /// third; `-02` after them stands for a conjunction.
    #[top(example = "[\"23142134\"]")]
    pub ticket_no_list: Masked<Vec<String>>,
    /// 工号
    ///
    /// The traveller's or submitter's employee number.
    #[top(example = "322558")]
    pub emp_no: Option<Masked<Id>>,
    /// cwt账号
    ///
    /// The account under which the supplier booked.
    #[top(example = "12342134")]
    pub cwt_account_no: Id,
    /// 用户id
    ///
    /// The traveller's or submitter's user id.
    #[top(example = "123421")]
    pub ht_user_id: Option<Masked<Id>>,
}

/// What became of the receipts.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// 结果
    ///
    /// Whether they were taken, all of them.
    #[top(example = "true")]
    pub ht_success: bool,
    /// 错误编码
    ///
    /// 0 when taken, otherwise why not.
    #[top(example = "1234")]
    pub ht_error_code: Option<String>,
    /// 异常信息
    ///
    /// Never sent: nobody outside learns where in the program something went wrong.
    #[top(example = "234")]
    pub stack_trace: Option<String>,
    /// 内容
    ///
    /// What was done with each ticket, or would have been, as JSON text.
    #[top(example = "2342314")]
    pub content: Option<Masked<String>>,
    /// 错误文案
    ///
    /// The code in words.
    #[top(example = "21341234")]
    pub error_msg: Option<String>,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "alibaba.happytrip.flight.order.itinerary.postback";
    const TITLE: Label = label("机票行程单同步", "Report issued itinerary receipts");
    const SESSION: Session = Session::NotRequired;
}
