"""What the site knows without loading a DICOM library: keywords of attributes (PS3.6), our mark of large values."""

MARK = '"BulkDataURI": "@'
"""Begins an address that is completed when it is served; inside a value its quotes would be escaped."""

REPORT, REPORT_DEPTH = "report.json", 20
"""What the content of a structured report is written to, and how many levels it has at most."""

SEARCH, LARGEST = "search.json", 2048
"""What the attributes of TAGS are written to, and how many characters of one are kept there; null for a larger one."""

_TABLE = """
00080005 SpecificCharacterSet 00080008 ImageType 00080016 SOPClassUID 00080018 SOPInstanceUID 00080020 StudyDate
00080021 SeriesDate 00080022 AcquisitionDate 00080023 ContentDate 0008002A AcquisitionDateTime 00080030 StudyTime
00080031 SeriesTime 00080032 AcquisitionTime 00080033 ContentTime 00080050 AccessionNumber
00080056 InstanceAvailability 00080060 Modality 00080061 ModalitiesInStudy 00080070 Manufacturer
00080080 InstitutionName 00080081 InstitutionAddress 00080090 ReferringPhysicianName
00080201 TimezoneOffsetFromUTC 00081010 StationName 00081030 StudyDescription 0008103E SeriesDescription
00081040 InstitutionalDepartmentName 00081050 PerformingPhysicianName 00081060 NameOfPhysiciansReadingStudy
00081070 OperatorsName 00081090 ManufacturerModelName 00081110 ReferencedStudySequence
00081115 ReferencedSeriesSequence 00081150 ReferencedSOPClassUID 00081155 ReferencedSOPInstanceUID
00081190 RetrieveURL 00082111 DerivationDescription 00083002 AvailableTransferSyntaxUID 00100010 PatientName
00100020 PatientID 00100021 IssuerOfPatientID 00100030 PatientBirthDate 00100032 PatientBirthTime
00100040 PatientSex 00101000 OtherPatientIDs 00101001 OtherPatientNames 00101010 PatientAge 00101020 PatientSize
00101030 PatientWeight 00102160 EthnicGroup 001021B0 AdditionalPatientHistory 00104000 PatientComments
00180010 ContrastBolusAgent 00180015 BodyPartExamined 00180050 SliceThickness 00180060 KVP
00180088 SpacingBetweenSlices 00181000 DeviceSerialNumber 00181020 SoftwareVersions 00181030 ProtocolName
00185100 PatientPosition 00185101 ViewPosition 0020000D StudyInstanceUID 0020000E SeriesInstanceUID
00200010 StudyID 00200011 SeriesNumber 00200012 AcquisitionNumber 00200013 InstanceNumber
00200032 ImagePositionPatient 00200037 ImageOrientationPatient 00200052 FrameOfReferenceUID 00200060 Laterality
00200062 ImageLaterality 00201041 SliceLocation 00201206 NumberOfStudyRelatedSeries
00201208 NumberOfStudyRelatedInstances 00201209 NumberOfSeriesRelatedInstances 00204000 ImageComments
00280002 SamplesPerPixel 00280004 PhotometricInterpretation 00280008 NumberOfFrames 00280010 Rows 00280011 Columns
00280030 PixelSpacing 00280100 BitsAllocated 00280101 BitsStored 00280102 HighBit 00280103 PixelRepresentation
00280301 BurnedInAnnotation 00281050 WindowCenter 00281051 WindowWidth 00281052 RescaleIntercept
00281053 RescaleSlope 00282110 LossyImageCompression 00321032 RequestingPhysician
00321060 RequestedProcedureDescription 00380010 AdmissionID 00400007 ScheduledProcedureStepDescription
00400009 ScheduledProcedureStepID 00400244 PerformedProcedureStepStartDate
00400245 PerformedProcedureStepStartTime 00400253 PerformedProcedureStepID
00400254 PerformedProcedureStepDescription 00400275 RequestAttributesSequence 00401001 RequestedProcedureID
00700080 ContentLabel
"""
_WORDS = _TABLE.split()
TAGS = dict(zip(_WORDS[1::2], _WORDS[::2], strict=True))
"""Tag, eight hexadecimal digits, by keyword: what searches are for. Any other attribute is asked for by its tag."""
