// What is read of the answers of S3: flat elements whose text is letters, digits and slashes. Names of our objects are no
// more than that, and what people wrote in the prefix has no sign that XML writes otherwise.

/** The text of the first element of a name; "" if there is none. */
export function xmlText(xml: string, element: string): string {
  return new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1] ?? "";
}

/** What is between the tags of each element of a name. */
export function xmlTexts(xml: string, element: string): string[] {
  return [...xml.matchAll(new RegExp(`<${element}>([\\s\\S]*?)</${element}>`, "g"))].map(([, text = ""]) => text);
}
