//! Airlines and airports by their IATA codes, for bookings that give only the code.
//!
//! General industry knowledge, checked by hand; a booking may carry its own names and then needs
//! none of these.

/// An airport of mainland China; all keep the platform's time.
pub(super) struct Airport {
    pub code: &'static str,
    pub name: &'static str,
    pub city_code: &'static str,
    pub city: &'static str,
}

const fn airport(
    code: &'static str,
    name: &'static str,
    city_code: &'static str,
    city: &'static str,
) -> Airport {
    Airport { code, name, city_code, city }
}

#[rustfmt::skip]
const AIRPORTS: &[Airport] = &[
    airport("PEK", "首都国际机场",     "BJS", "北京"),
    airport("PKX", "大兴国际机场",     "BJS", "北京"),
    airport("SHA", "虹桥国际机场",     "SHA", "上海"),
    airport("PVG", "浦东国际机场",     "SHA", "上海"),
    airport("HGH", "萧山国际机场",     "HGH", "杭州"),
    airport("CAN", "白云国际机场",     "CAN", "广州"),
    airport("SZX", "宝安国际机场",     "SZX", "深圳"),
    airport("CTU", "双流国际机场",     "CTU", "成都"),
    airport("TFU", "天府国际机场",     "CTU", "成都"),
    airport("CKG", "江北国际机场",     "CKG", "重庆"),
    airport("XIY", "咸阳国际机场",     "SIA", "西安"),
    airport("KMG", "长水国际机场",     "KMG", "昆明"),
    airport("NKG", "禄口国际机场",     "NKG", "南京"),
    airport("WUH", "天河国际机场",     "WUH", "武汉"),
    airport("CSX", "黄花国际机场",     "CSX", "长沙"),
    airport("XMN", "高崎国际机场",     "XMN", "厦门"),
    airport("TAO", "胶东国际机场",     "TAO", "青岛"),
    airport("SHE", "桃仙国际机场",     "SHE", "沈阳"),
    airport("HRB", "太平国际机场",     "HRB", "哈尔滨"),
    airport("HAK", "美兰国际机场",     "HAK", "海口"),
    airport("SYX", "凤凰国际机场",     "SYX", "三亚"),
];

/// Code, full name, short name.
#[rustfmt::skip]
const AIRLINES: &[(&str, &str, &str)] = &[
    ("CA", "中国国际航空", "国航"),
    ("MU", "中国东方航空", "东航"),
    ("CZ", "中国南方航空", "南航"),
    ("HU", "海南航空",     "海航"),
    ("ZH", "深圳航空",     "深航"),
    ("MF", "厦门航空",     "厦航"),
    ("SC", "山东航空",     "山航"),
    ("3U", "四川航空",     "川航"),
    ("FM", "上海航空",     "上航"),
    ("HO", "吉祥航空",     "吉祥"),
    ("9C", "春秋航空",     "春秋"),
    ("GS", "天津航空",     "津航"),
];

/// The airport with this code.
pub(super) fn airport_by_code(code: &str) -> Option<&'static Airport> {
    AIRPORTS.iter().find(|airport| airport.code == code)
}

/// Full and short name of the airline with this code.
pub(super) fn airline_by_code(code: &str) -> Option<(&'static str, &'static str)> {
    AIRLINES.iter().find(|airline| airline.0 == code).map(|airline| (airline.1, airline.2))
}
