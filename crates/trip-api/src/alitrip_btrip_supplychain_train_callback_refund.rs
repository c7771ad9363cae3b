//! `alitrip.btrip.supplychain.train.callback.refund`

use top::{Id, Label, Masked, Method, Sealed, Session, Wire, label};

/// What became of a refund application.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Request {
    /// 商旅退票回调信息
    ///
    /// The result as the supplier reports it.
    pub refund_call_back_param: RefundCallBackParam,
}

/// The result of a refund.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct RefundCallBackParam {
    /// 退票信息
    ///
    /// The trains of the order, with what became of their tickets.
    #[top(example = "refundTrainDetail")]
    pub refund_train_details: Vec<RefundTrainDetail>,
    /// 商旅订单号
    ///
    /// The platform's order number.
    #[top(example = "123456789")]
    pub order_id: Id,
    /// 退票总款项
    ///
    /// What goes back in all, fen.
    #[top(example = "1000")]
    pub refund_total: String,
    /// 订单状态
    ///
    /// Status code of the order.
    #[top(example = "31")]
    pub order_status: String,
    /// 退票费率
    ///
    /// Fee as a percentage (the page writes 分 by mistake).
    #[top(example = "0")]
    pub refund_rate: Option<String>,
    /// 商旅退票申请ID
    ///
    /// The platform's number of the refund application.
    #[top(example = "1231123")]
    pub refund_id: Id,
    /// 退票总手续费
    ///
    /// Refund fee, fen.
    #[top(example = "0")]
    pub refund_cost: String,
    /// 供应商订单号
    ///
    /// The supplier's own order number.
    #[top(example = "12345678")]
    pub supplier_order_id: String,
    /// 12306取票号
    ///
    /// The railway's collection number of the order.
    #[top(example = "EW123412")]
    pub ticket_no: Masked<String>,
}

/// A train.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct RefundTrainDetail {
    /// 到达站名
    ///
    /// Arrival station.
    #[top(example = "上海")]
    pub to_station_name: String,
    /// 到达时间,yyyy-MM-dd hh:mm:ss
    ///
    /// Arrival by the station clock, yyyy-MM-dd HH:mm:ss (the page writes hh).
    #[top(example = "2022-10-19 14:00:00")]
    pub arrive_time: String,
    /// 乘车日期 yyyy-MM-dd
    ///
    /// Day of travel.
    #[top(example = "2022-10-19")]
    pub train_date: String,
    /// 出发站名
    ///
    /// Departure station.
    #[top(example = "北京")]
    pub from_station_name: String,
    /// 退票信息
    ///
    /// The tickets asked to be refunded.
    #[top(example = "refundTicketDetail")]
    pub refund_ticket_details: Vec<RefundTicketDetail>,
    /// 到达站三字码
    ///
    /// Telecode of the arrival station.
    #[top(example = "SHH")]
    pub to_station_code: String,
    /// 短车次号
    ///
    /// Train number.
    #[top(example = "T123")]
    pub train_no: String,
    /// 出发站三字码
    ///
    /// Telecode of the departure station.
    #[top(example = "BJP")]
    pub from_station_code: String,
    /// 出发时间,yyyy-MM-dd hh:mm:ss
    ///
    /// Departure by the station clock, yyyy-MM-dd HH:mm:ss (the page writes hh).
    #[top(example = "2022-10-19 12:00:00")]
    pub start_time: String,
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct RefundTicketDetail {
    /// 坐席类型,枚举值
    ///
    /// Seat type, the railway's code.
    #[top(example = "1")]
    pub seat_type: String,
    /// 车厢号
    ///
    /// Coach.
    #[top(example = "01")]
    pub coach_no: String,
    /// 车票单价,单位分
    ///
    /// Price of the ticket, fen.
    #[top(example = "1000")]
    pub ticket_price: String,
    /// 票状态,枚举值提供
    ///
    /// Status code of the ticket.
    #[top(example = "31")]
    pub ticket_status: String,
    /// 坐席名称,枚举值提供
    ///
    /// Name of the seat type.
    #[top(example = "硬座")]
    pub seat_name: String,
    /// 乘客信息
    ///
    /// The passenger, sealed field by field.
    pub passenger_info: PassengerInfo,
    /// 票类型,0:儿童票,1:成人票,2:学生票
    ///
    /// 0 child, 1 adult, 2 student.
    #[top(example = "1")]
    pub ticket_type: String,
    /// 退票费率,单位分
    ///
    /// Fee as a percentage (the page writes 分 by mistake).
    #[top(example = "0")]
    pub refund_rate: Option<String>,
    /// 坐席号
    ///
    /// Seat.
    #[top(example = "001")]
    pub seat_no: String,
    /// 退款,单位分
    ///
    /// What goes back for the ticket, fen.
    #[top(example = "1000")]
    pub refund_price: String,
    /// 乘客取票号
    ///
    /// The passenger's collection number.
    #[top(example = "EW123121")]
    pub passenger_ticket_no: Masked<String>,
    /// 退票手续费,单位分
    ///
    /// Refund fee, fen.
    #[top(example = "0")]
    pub refund_cost: String,
    /// 退票失败原因
    ///
    /// Why the refund failed.
    #[top(example = "退票失败")]
    pub fail_reason: Option<Masked<String>>,
    /// 退票失败code
    ///
    /// The same as a code.
    #[top(example = "3001")]
    pub fail_code: Option<String>,
}

/// A passenger. Every field is sealed with SM4.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct PassengerInfo {
    /// 乘客姓名,SM4加密
    ///
    /// Name, SM4.
    #[top(example = "123123")]
    pub passenger_name: Sealed,
    /// 乘客手机号,SM4加密
    ///
    /// Mobile number, SM4.
    #[top(example = "1667xx77xxx")]
    pub passenger_mobile: Sealed,
    /// 证件号,SM4加密
    ///
    /// Document number, SM4.
    #[top(example = "432524100011191212")]
    pub passenger_id_no: Sealed,
    /// 证件类型,SM4加密,枚举值提供
    ///
    /// Document type code, SM4.
    #[top(example = "0")]
    pub passenger_id_type: Sealed,
    /// 国籍码,SM4加密,证件为非身份证类型必传
    ///
    /// Country, SM4; needed unless the document is an ID card.
    #[top(example = "CN")]
    pub country_code: Option<Sealed>,
    /// 性别,SM4加密,0:男,1:女
    ///
    /// 0 male, 1 female, SM4.
    #[top(example = "0")]
    pub sex: Option<Sealed>,
    /// 乘客id,SM4加密,商旅提供
    ///
    /// The platform's id of the passenger, SM4.
    #[top(example = "1231232")]
    pub passenger_id: Sealed,
    /// 签发日期,SM4加密
    ///
    /// Date of issue, SM4.
    #[top(example = "2000-10-19")]
    pub valid_date_start: Option<Sealed>,
    /// 出生日期,SM4加密, yyyy-MM-dd格式,证件为非身份证类型必传
    ///
    /// Date of birth, SM4; needed unless the document is an ID card.
    #[top(example = "1000-10-19")]
    pub birth_date: Option<Sealed>,
    /// 证件有效期,SM4加密,yyyy-MM-dd格式,证件为非身份证类型必传
    ///
    /// Date of expiry, SM4; needed unless the document is an ID card.
    #[top(example = "2030-10-19")]
    pub valid_date_end: Option<Sealed>,
}

/// Whether the result was taken.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct Response {
    /// 订单基础数据
    ///
    /// The order's two numbers; absent when there is no such order for this caller.
    pub data: Option<OrderInfo>,
    /// 返回结果码
    ///
    /// 200 when taken, otherwise why not.
    #[top(example = "200")]
    pub result_code: String,
    /// 是否成功
    ///
    /// `true` when taken, else `false`: a text on this method.
    #[top(example = "true")]
    pub status: String,
    /// 返回结果描述
    ///
    /// The code in words.
    #[top(example = "成功")]
    pub result_msg: String,
}

/// An order's two numbers.
#[derive(Debug, Clone, PartialEq, Wire)]
pub struct OrderInfo {
    /// 商旅订单号
    ///
    /// The platform's order number.
    #[top(example = "123456789")]
    pub order_id: String,
    /// 供应商订单号
    ///
    /// The supplier's own order number.
    #[top(example = "987654321")]
    pub supplier_order_id: String,
}

impl Method for Request {
    type Response = Response;
    const NAME: &'static str = "alitrip.btrip.supplychain.train.callback.refund";
    const TITLE: Label = label("商旅火车票退票回调", "Report the result of a rail refund");
    const SESSION: Session = Session::Required;
}
