/**
 * Swagger UI fills every field of a form with a sample of its schema, and sends empty fields as empty values. Here
 * optional fields start empty and are not sent, so that "Execute" only needs the file.
 */
const optionalFieldsStartEmpty = () => ({
  wrapComponents: {
    // Only fields of a form have `dispatchInitialValue`; false clears the field.
    JsonSchemaForm: (Original, { React }) => {
      return (props) => {
        const isFilled = props.dispatchInitialValue === true && !props.required;
        return React.createElement(Original, isFilled ? { ...props, dispatchInitialValue: false } : props);
      };
    },
    // The checkbox "Send empty value", which Swagger UI ticks at first.
    ParameterIncludeEmpty: (Original, { React }) => {
      return (props) => React.createElement(Original, { ...props, isIncludedOptions: {} });
    },
  },
});

// Without `validatorUrl: null` the page would send the document's URL to a public validator.
window.SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#swagger-ui',
  deepLinking: true,
  validatorUrl: null,
  tryItOutEnabled: true,
  plugins: [optionalFieldsStartEmpty],
});
