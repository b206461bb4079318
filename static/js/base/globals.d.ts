// Names that scripts outside the modules define: Django's JavaScriptCatalog and htmx.
declare function gettext(text: string): string;
declare function ngettext(one: string, many: string, count: number): string;
declare function pgettext(context: string, text: string): string;
declare function interpolate(text: string, values: Record<string, unknown> | unknown[], named?: boolean): string;
declare const htmx: any;
declare module "@vendor/openseadragon.js" {
  const OpenSeadragon: any;
  export default OpenSeadragon;
}
