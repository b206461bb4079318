"""The fixed words of a referral's letters, in Chinese and in English."""

ZH = {
    "transfer_up": "双向转诊单（上转）",
    "transfer_down": "双向转诊单（下转）",
    "discharge_up": "转诊出院小结（回转）",
    "discharge_down": "康复治疗小结",
    "number": "转诊编号", "name": "姓名", "record_number": "病历号", "sex": "性别", "birth_date": "出生日期",
    "from": "转出", "to": "转入", "consultation": "关联会诊", "signed_at": "签署时间",
    "reason": "转诊理由", "diagnosis": "诊断", "codes": "疾病编码 (ICD-10)", "treatment": "已行治疗",
    "condition": "目前情况",
    "wanted": "请求事项", "course": "诊疗经过", "advice": "后续建议",
    "signed": "已电子签署", "licence": "执业证书编号", "certificate": "数字签章证书",
    "no_certificate": "本文件无数字证书签章，仅在平台内有签署记录。", "page": "第 {page} 页，共 {pages} 页",
    "colon": "：",
}  # fmt: skip
EN = {
    "transfer_up": "Transfer Letter (to the superior hospital)",
    "transfer_down": "Transfer Letter (back to the primary hospital)",
    "discharge_up": "Discharge Letter",
    "discharge_down": "Letter after Rehabilitation",
    "number": "Referral", "name": "Name", "record_number": "Record number", "sex": "Sex", "birth_date": "Born",
    "from": "From", "to": "To", "consultation": "Consultation", "signed_at": "Signed",
    "reason": "Reason", "diagnosis": "Diagnosis", "codes": "ICD-10", "treatment": "Treatment given",
    "condition": "Condition", "wanted": "What is wanted", "course": "Course", "advice": "Advice",
    "signed": "Signed electronically", "licence": "Licence", "certificate": "Signed by the certificate",
    "no_certificate": "No certificate signature: the signing is on record in the platform only.",
    "page": "Page {page} of {pages}", "colon": ": ",
}  # fmt: skip
LABELS = {"zh-hans": ZH, "en": EN}
