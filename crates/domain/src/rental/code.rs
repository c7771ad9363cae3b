//! The rental family's code lists.

use crate::code::codes;

codes! {
    /// The state of a rental order. Two published tables in one: the trade's (below 100) and the
    /// supplier's (from 111).
    RentalStatus {
        Unpaid           = 0,   "未付款",               "unpaid",                              Published;
        AwaitingMerchant = 10,  "已付款等待商家确认",   "paid, awaiting the merchant",         Published;
        Accepted         = 22,  "商家已接单",           "accepted by the merchant",            Published;
        ClosedByBuyer    = 60,  "买家关闭",             "closed by the buyer",                 Published;
        RefusedBySeller  = 63,  "卖家拒绝接单",         "refused by the seller",               Published;
        ClosedByService  = 65,  "客服关闭",             "closed by customer service",          Published;
        AwaitingPickUp   = 111, "待用车",               "awaiting pick-up",                    Published;
        InUse            = 121, "用车中",               "in use",                              Published;
        Settling         = 122, "待结算",               "returned, to be settled",             Published;
        Completed        = 123, "已完成",               "completed",                           Published;
        Cancelled        = 131, "已取消",               "cancelled",                           Published;
    }
}

codes! {
    /// `ret_code` and `ret_msg` of order.cancelcheck. No page has a table; 4xxx is the sibling's
    /// range for the platform's own checks.
    CancelCheckCode {
        Ok             = 0,    "成功",         "quoted",                          Inferred;
        OrderNotFound  = 4002, "订单不存在",   "no such rental for this caller",  Inferred;
        NotCancellable = 4004, "订单不可取消", "cannot be cancelled",             Inferred;
    }
}
