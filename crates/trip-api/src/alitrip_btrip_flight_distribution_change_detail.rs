//! `alitrip.btrip.flight.distribution.change.detail`

use top::{Id, Label, Masked, Method, Needed, Session, Wire, label};

/// Which change order to read.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {
    /// 获取改签单详情入参
    ///
    /// What to read. Optional on the page though its members are required: absent is answered 40.
    pub param_btrip_flight_order_operate_common_rq: Needed<BtripFlightOrderOperateCommonRq>,
}

/// A change order named by its distributor.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct BtripFlightOrderOperateCommonRq {
    /// 分销外部订单号
    ///
    /// The distributor's own order number.
    #[top(example = "1234")]
    pub dis_order_id: Id,
    /// 分销子渠道,通常为corpId
    ///
    /// Sub-channel, normally the corporation's id.
    #[top(example = "jianhang001")]
    pub sub_channel: Id,
    /// 分销外部改签单号
    ///
    /// The distributor's own change order number.
    #[top(example = "1234")]
    pub dis_sub_order_id: Id,
}

/// The change order.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// 响应信息
    ///
    /// The business answer.
    pub result: HisvResult,
}

/// The flight family's envelope around a change order.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct HisvResult {
    /// 改签信息
    ///
    /// The change order; absent when there is no such change order for this caller.
    pub module: Option<BtripFlightChangeDetailRs>,
    /// 错误码
    ///
    /// 0 when found, otherwise why not.
    #[top(example = "0")]
    pub result_code: i64,
    /// 错误信息
    ///
    /// The code in words.
    #[top(example = "demo")]
    pub result_msg: String,
    /// 是否成功
    ///
    /// Whether the change order was found.
    #[top(example = "true")]
    pub success: bool,
}

/// A change order.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct BtripFlightChangeDetailRs {
    /// 交易流水号
    ///
    /// The payment's trade number; absent until the change is paid.
    #[top(example = "demo")]
    pub alipay_trade_no: Option<String>,
    /// 扩展信息
    ///
    /// What the distributor attached, as JSON text.
    #[top(example = "{}")]
    pub extra: Option<Masked<String>>,
    /// 航班信息
    ///
    /// The new flights.
    pub flight_info_list: Vec<OrderFlightInfo>,
    /// 最迟支付时间
    ///
    /// Pay before this time; absent until the change is priced.
    #[top(example = "2021-01-01 10:10:00")]
    pub last_pay_time: Option<String>,
    /// 支付状态
    ///
    /// Payment status code of the change order.
    #[top(example = "1")]
    pub pay_status: i64,
    /// 支付时间
    ///
    /// When the change was paid.
    #[top(example = "2021-01-01 10:10:00")]
    pub pay_time: Option<String>,
    /// 结算费用
    ///
    /// Amount settled with the platform, fen.
    #[top(example = "0")]
    pub settle_price: i64,
    /// 结算类型
    ///
    /// Settlement type code.
    #[top(example = "1")]
    pub settle_type: i64,
    /// 状态
    ///
    /// Status code of the change order.
    #[top(example = "1")]
    pub status: i64,
    /// 总改签费用
    ///
    /// Sum of the handling fees, fen.
    #[top(example = "0")]
    pub total_change_price: i64,
    /// 总费用
    ///
    /// Handling fees plus fare differences, fen.
    #[top(example = "0")]
    pub total_price: i64,
    /// 总升舱费用
    ///
    /// Sum of the fare differences, fen.
    #[top(example = "0")]
    pub total_upgrade_price: i64,
    /// 乘机人信息
    ///
    /// The travellers who change.
    pub traveler_info_list: Vec<OrderTravelerInfo>,
    /// 分销外部改签单号
    ///
    /// The distributor's own change order number.
    #[top(example = "test908773")]
    pub dis_sub_order_id: String,
    /// 分销外部订单号
    ///
    /// The distributor's own order number.
    #[top(example = "test908773")]
    pub dis_order_id: String,
    /// 商旅改签单号
    ///
    /// The platform's change order number.
    #[top(example = "00000000")]
    pub btrip_sub_order_id: i64,
    /// 商旅订单号
    ///
    /// The platform's order number.
    #[top(example = "00000000")]
    pub btrip_order_id: i64,
}

/// A new flight, and the one it replaces.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct OrderFlightInfo {
    /// 航司编码
    ///
    /// IATA code of the marketing airline.
    #[top(example = "MU")]
    pub airline_code: String,
    /// 到达机场
    ///
    /// Arrival airport, by IATA code as in the page's example.
    #[top(example = "HGH")]
    pub arr_airport: String,
    /// 到达机场编码
    ///
    /// IATA code of the arrival airport.
    #[top(example = "HGH")]
    pub arr_airport_code: String,
    /// 到达城市名称
    ///
    /// Arrival city.
    #[top(example = "上海")]
    pub arr_city: String,
    /// 到达城市编码
    ///
    /// IATA code of the arrival city.
    #[top(example = "BJS")]
    pub arr_city_code: String,
    /// 到达时间
    ///
    /// Arrival, wall clock of the arrival airport.
    #[top(example = "2021-01-01 10:10:00")]
    pub arr_time: String,
    /// 行李额
    ///
    /// Baggage allowance.
    #[top(example = "demo")]
    pub baggage: Option<String>,
    /// 机建费用
    ///
    /// Airport construction fee of one traveller, fen.
    #[top(example = "0")]
    pub build_price: i64,
    /// 舱位
    ///
    /// Booking class.
    #[top(example = "S")]
    pub cabin: String,
    /// 舱等
    ///
    /// Cabin class.
    #[top(example = "Y")]
    pub cabin_class: String,
    /// 承运航班
    ///
    /// The flight that really operates, on a code share.
    #[top(example = "ZH1234")]
    pub carrier: Option<String>,
    /// 出发机场
    ///
    /// Departure airport, by IATA code.
    #[top(example = "BJS")]
    pub dep_airport: String,
    /// 出发机场编码
    ///
    /// IATA code of the departure airport.
    #[top(example = "PKX")]
    pub dep_airport_code: String,
    /// 出发城市
    ///
    /// Departure city.
    #[top(example = "北京")]
    pub dep_city: String,
    /// 出发城市编码
    ///
    /// IATA code of the departure city.
    #[top(example = "BJS")]
    pub dep_city_code: String,
    /// 出发时间
    ///
    /// Departure, wall clock of the departure airport.
    #[top(example = "2021-01-01 10:10:00")]
    pub dep_time: String,
    /// 航班号
    ///
    /// Flight number.
    #[top(example = "ZH1234")]
    pub flight_no: String,
    /// 餐食
    ///
    /// Meal.
    #[top(example = "{}")]
    pub meal: Option<String>,
    /// 燃油费
    ///
    /// Fuel surcharge of one traveller, fen.
    #[top(example = "0")]
    pub oil_price: i64,
    /// 航段类型
    ///
    /// 0 outbound, 1 inbound.
    #[top(example = "1")]
    pub segment_type: i64,
    /// 经停到达时间
    ///
    /// Arrival at the stop.
    #[top(example = "2021-01-01 10:10:00")]
    pub stop_arr_time: Option<String>,
    /// 经停城市
    ///
    /// City of the stop; absent on a non-stop flight.
    #[top(example = "BJS")]
    pub stop_city: Option<String>,
    /// 经停出发时间
    ///
    /// Departure from the stop.
    #[top(example = "2021-01-01 10:10:00")]
    pub stop_dep_time: Option<String>,
    /// 票费用
    ///
    /// Fare of one traveller, fen.
    #[top(example = "0")]
    pub ticket_price: i64,
    /// 改签前航班号
    ///
    /// The flight before the change.
    #[top(example = "ZH1234")]
    pub last_flight_no: String,
    /// 改签前舱位
    ///
    /// The booking class before the change.
    #[top(example = "S")]
    pub last_cabin: String,
    /// 改签后的退改签文案
    ///
    /// Refund and change conditions after the change.
    #[top(example = "{}")]
    pub tuigaiqian_info: Option<String>,
    /// 出发航站楼
    ///
    /// Departure terminal.
    #[top(example = "--")]
    pub dep_terminal: Option<String>,
    /// 到达航站楼
    ///
    /// Arrival terminal.
    #[top(example = "--")]
    pub arr_terminal: Option<String>,
    /// 航司名称
    ///
    /// Name of the marketing airline.
    #[top(example = "国航")]
    pub airline_name: String,
    /// 航司简称
    ///
    /// Its short name.
    #[top(example = "***航")]
    pub airline_simple_name: String,
    /// 到达机场名称
    ///
    /// Name of the arrival airport.
    #[top(example = "**机场")]
    pub arr_airport_code_name: String,
    /// 出发机场名称
    ///
    /// Name of the departure airport.
    #[top(example = "**机场")]
    pub dep_airport_code_name: String,
}

/// A traveller who changes.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct OrderTravelerInfo {
    /// 乘客名称
    ///
    /// Name of the traveller.
    #[top(example = "张三")]
    pub passenger_name: Masked<String>,
    /// 乘客类型
    ///
    /// Passenger type code.
    #[top(example = "1")]
    pub passenger_type: String,
    /// 票号
    ///
    /// The new ticket once reissued, the old one before.
    #[top(example = "000-0000000000")]
    pub ticket_no: Option<Masked<String>>,
    /// 用户编号
    ///
    /// The distributor's id of the traveller.
    #[top(example = "123456")]
    pub user_id: Masked<String>,
    /// openTicket状态
    ///
    /// Coupon status code of that ticket.
    #[top(example = "demo")]
    pub open_ticket_status: Option<i64>,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "alitrip.btrip.flight.distribution.change.detail";
    const TITLE: Label = label("商旅机票改签详情接口", "Read a flight change order");
    const SESSION: Session = Session::Required;
    // It reads.
    const IDEMPOTENT: bool = true;
}
